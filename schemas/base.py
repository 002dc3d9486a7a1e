"""What every record here shares."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that never changes after it was made and refuses fields it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
