"""What customers would pay for a preview, as a document."""

from pathlib import Path

from ingest.commands.documents import Document
from ingest.errors import BadInput
from ingest.store import prices
from schemas.metric import Metric, MetricPreviewSpec
from schemas.price import Price

MOST = 100_000
"""How many quantities are priced at most."""


def priced(import_id: str, metric: Metric, spec: MetricPreviewSpec, price: Price) -> Document:
    """What each customer would pay: quantities by customer, and by the months and dimensions that the preview is by."""
    from ingest.imports import metrics as previews
    from ingest.metric import charges, pricing

    found = previews.preview_metric((import_id,), metric, spec.model_copy(update={"by": pricing.grouping(price, spec.by), "limit": max(MOST, spec.limit)}))
    if found.capped:
        raise BadInput(f"There are more than {found.table.num_rows:,} quantities to apply the price to.", "Say a larger --limit, or divide them less with --by.")
    return charges.document(price, found.table)


def price_of(account: str, metric: str, file: str) -> Price:
    """The price in a YAML file; without a file, the one that is kept with the metric."""
    from ingest.metric.price_file import from_yaml

    if not file:
        if kept := prices.get(account, metric):
            return kept.price
        raise BadInput(f"No price is kept with the metric {metric!r}.", "Name a file: --price FILE.yaml, as docs/metrics.md shows it.")
    try:
        return from_yaml(Path(file).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{Path(file).name} is no price: it isn't UTF-8 text.", "docs/metrics.md shows how a price is written.") from None
