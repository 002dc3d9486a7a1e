"""Alarms raised and closed, and brought to whoever wants to hear."""

from collections.abc import Sequence

from ingest import alarms
from ingest.store import sources
from schemas.pull_run import Alarm, AlarmKind
from schemas.source import Source


def tell(source: Source, kind: AlarmKind, text: str, run: str | None = None) -> None:
    """Raises an alarm, unless one of its kind is open: nobody is told the same twice."""
    raised = sources.raise_alarm(source.name, kind, text, run)
    if raised:
        alarms.tell(raised, source)


def all_well(source: Source, kinds: Sequence[str], run: str | None = None) -> None:
    """Closes alarms of these kinds; where there were any, says that it is over."""
    closed = sources.close_alarms(source.name, kinds)
    if closed:
        said: Alarm = closed[0].model_copy(update={"kind": "recovered", "text": f"It works again: {closed[0].text}", "run": run})
        alarms.tell(said, source)
