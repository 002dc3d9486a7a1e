"""A file with several kinds of usage: which rows are which import's, and how rows become events."""

from pydantic import model_validator

from schemas.base import Frozen

LEAVE_OUT = "leave_out"
"""The answer that says of rows that they are no usage."""
KIND = "kind."
"""Questions about rows of no kind of usage are called by this and the text that they have in common."""
OTHERS = "kind.*"


class Share(Frozen):
    """The rows that one import takes: those with one of these texts in the column, or those of these sheets."""

    import_id: str
    values: tuple[str, ...]


class Division(Frozen):
    """How the rows of one file are divided among the imports of its bytes. What is in no share and not left out is asked about."""

    column: str | None
    """None: a sheet decides."""
    shares: tuple[Share, ...]
    left_out: tuple[str, ...] = ()
    """What somebody said is no usage."""

    @model_validator(mode="after")
    def _each_row_once(self) -> "Division":
        if len(set(self.known)) < len(self.known) or len({share.import_id for share in self.shares}) < len(self.shares):
            raise ValueError("A row can't be of two kinds of usage")
        return self

    @property
    def known(self) -> tuple[str, ...]:
        """All that is decided."""
        return (*(value for share in self.shares for value in share.values), *self.left_out)

    def of(self, import_id: str) -> Share:
        """The share of one of its imports."""
        return next(share for share in self.shares if share.import_id == import_id)

    def with_values(self, import_id: str | None, values: tuple[str, ...]) -> "Division":
        """The same after somebody said that such rows are one import's, or no usage."""
        if import_id is None:
            return self.model_copy(update={"left_out": (*self.left_out, *values)})
        shares = tuple(share.model_copy(update={"values": (*share.values, *values)}) if share.import_id == import_id else share for share in self.shares)
        return self.model_copy(update={"shares": shares})


class KindCount(Frozen):
    """How many usages of the file are of one kind, and what became of them. No import: of no kind of usage, as somebody said (`left_out`) or still has to say."""

    values: tuple[str, ...] = ()
    import_id: str | None = None
    event_type: str | None = None
    left_out: bool = False
    usages: int
    accepted: int | None = None
    """The events; None where it hasn't been checked."""
    rejected: int | None = None
    duplicate: int | None = None
    excluded: int | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> "KindCount":
        if self.accepted is not None and self.usages != self.accepted + self.rejected + self.duplicate + self.excluded:
            raise ValueError(f"Usages are not conserved: {self.usages} of {self.values}, but {self.accepted} accepted, {self.rejected} rejected, {self.duplicate} duplicate, {self.excluded} excluded")
        return self


class EventEquation(Frozen):
    """The second line of the row equation, from rows to events: rows × per_row - empty = the usages of all kinds. A record that doesn't add up can't be made."""

    rows: int
    """Rows of the file's own table."""
    per_row: int = 1
    """How many usages a row can hold, one beside the other."""
    empty: int = 0
    """Cells among these with nothing in them."""
    kinds: tuple[KindCount, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> "EventEquation":
        if self.rows * self.per_row - self.empty != self.usages:
            raise ValueError(f"Usages are not conserved: {self.rows} rows of {self.per_row} less {self.empty} empty cells, but {self.usages} of all kinds")
        return self

    @property
    def usages(self) -> int:
        """All of them."""
        return sum(kind.usages for kind in self.kinds)

    @property
    def events(self) -> int | None:
        """The accepted events of all kinds; None until everything was checked."""
        counted = [kind.accepted for kind in self.kinds if kind.import_id]
        return None if None in counted else sum(counted)


class KindFound(Frozen):
    """One text of a column that may say which kind of usage a row is."""

    value: str
    rows: int


class DivisionOffer(Frozen):
    """A way to take a file apart into kinds of usage: by a column, by its sheets, or each of several columns as a usage of its own; with the reason in words."""

    column: str | None = None
    measures: tuple[str, ...] = ()
    kinds: tuple[KindFound, ...] = ()
    why: str
