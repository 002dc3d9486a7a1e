"""How one check is set for one kind of usage."""

from typing import Literal

from pydantic import ConfigDict

from schemas.base import Frozen

Severity = Literal["error", "warning", "note"]
"""An error: the row can't go. A warning: somebody has to acknowledge it. A note: nothing to do."""


class CheckSetting(Frozen):
    """Severity and parameters of one check. Which parameters a check takes is said in ingest/check/checks.py; what isn't set stays as it is there."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    severity: Severity | Literal["off"] | None = None
    min: str | None = None
    max: str | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    fields: tuple[str, ...] = ()
    formula: str | None = None
    share: str | None = None
    times: str | None = None
