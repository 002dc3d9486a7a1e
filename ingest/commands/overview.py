"""What the columns of a checked import hold, as a document."""

from ingest import overview
from ingest.commands.documents import Document


def overview_of(import_id: str, column: str | None) -> Document:
    """Every column with its counts; with a column's name also what stands in it."""
    document: Document = {"import_id": import_id, "columns": [each.model_dump(mode="json") for each in overview.overview(import_id)]}
    return {**document, "values": overview.values(import_id, column).model_dump(mode="json")} if column is not None else document
