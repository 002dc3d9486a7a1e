"""Alarms, brought to whoever wants to hear."""

import logging

from schemas.pull_run import Alarm
from schemas.source import Source

log = logging.getLogger("intake.alarms")


def tell(alarm: Alarm, source: Source) -> None:
    """Never raises into a run."""
    log.warning("An alarm. action=alarm source=%s kind=%s", source.name, alarm.kind)
