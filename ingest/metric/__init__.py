"""metric: totals of the accepted events, so that a person sees what will be billed before anything is sent."""

from ingest.metric.preview import overview, preview

__all__ = ["overview", "preview"]
