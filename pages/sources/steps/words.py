"""How sources and their runs are, in words; an icon never stands alone."""

from pages.parts.text import plain
from schemas.pull_run import PullRun, RunKind, RunState, StoredSource

STATES: dict[RunState, tuple[str, str]] = {
    "queued": (":material/hourglass_top:", "about to begin"), "reading": (":material/hourglass_top:", "reading"), "checking": (":material/hourglass_top:", "being checked"),
    "waiting": (":material/front_hand:", "waits for you"), "pushing": (":material/upload:", "being sent"), "done": (":material/verified:", "done and proven"),
    "failed": (":material/error:", "failed"), "stopped": (":material/pause_circle:", "stopped"),
}
KINDS: dict[RunKind, str] = {"scheduled": "by schedule", "by hand": "by hand", "backfill": "back-fill", "after": "after another source", "called": "called by a program", "dry": "trial, nothing sent"}


def state(run: PullRun) -> str:
    """A run's state, with its icon."""
    icon, said = STATES[run.state]
    return f"{icon} {'Nothing new' if run.state == 'done' and run.message == 'Nothing new.' else 'trial done' if run.kind == 'dry' and run.state == 'done' else said}"


def health(stored: StoredSource, last: PullRun | None) -> tuple[str, str]:
    """How a source is: an icon, and a few words."""
    if stored.state == "paused":
        return ":material/pause_circle:", f"Paused. {plain(stored.paused_why)}"
    if not stored.enabled:
        return ":material/edit:", "Not switched on yet"
    if last and last.state == "waiting":
        return ":material/front_hand:", "Waits for you"
    if stored.failures:
        return ":material/error:", f"Failed {stored.failures} times in a row" if stored.failures > 1 else "The last run failed"
    if last and last.state in ("queued", "reading", "checking", "pushing"):
        return ":material/hourglass_top:", "Being read"
    return ":material/check_circle:", "Well"
