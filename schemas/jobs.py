"""Durable jobs, as pages see them."""

from typing import Literal

from schemas.base import Frozen

JobState = Literal["queued", "running", "done", "failed", "none"]


class JobStatus(Frozen):
    """Where a job is. `none` says that no such job was ever queued."""

    id: str
    state: JobState
    message: str = ""
