"""State: accounts, uploads, imports, pushes, open rows, the audit log. One module a noun, over the tables in schema.py."""
