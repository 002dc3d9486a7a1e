"""The embedded sandbox: a local server that behaves as the billing system's public documentation says, so that everything can be tried on a laptop.

    server   listens, keeps two servers off one data folder, says where it is
    app      the endpoints, and who may use them
    catalogue, customers, usage, query      what the endpoints do
    fields   JSON values → typed values, per field type
    store    DuckDB: everything that must survive a kill
    replies  the documented errors; JSON with exact decimals

Where the documentation is silent, `switches` says what is assumed and lets it be changed.
"""
