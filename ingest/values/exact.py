"""Decimals at their full width."""

from decimal import Context

WIDE = Context(prec=100)
"""Arithmetic on decimals that keeps every digit: Python's own rounds to 28, even what it only turns or cuts, and an account keeps 38."""
