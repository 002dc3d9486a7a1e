"""The client of the billing API. Source of every path, header and shape: its public documentation."""

from ingest.billing.client import BillingClient

__all__ = ["BillingClient"]
