"""How the sandbox behaves where the public documentation is silent."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION


class Switches(BaseModel):
    """Every assumption about the billing system that someone may want to turn round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = SANDBOX_ORGANISATION
    api_key: str = Field(SANDBOX_KEY, repr=False)
    bad_events: Literal["refuse_all", "store_good_then_refuse", "drop_quietly"] = "refuse_all"
    """An array with a bad event: nothing is stored; or the good ones are stored and the answer is a refusal all the same; or the good ones are stored and the answer is 200."""
    data_fields: Literal["strict", "lenient"] = "strict"
    """Lenient: unknown fields are kept as they came, and numbers may come as text."""
    max_events: int | None = Field(None, gt=0, description="Largest array that is taken; None takes any.")
    conflict_status: Literal[400, 409, 422] = 409
    """The answer to an Idempotency-Key that comes back with another body."""
    idempotency_hours: float = 24
    latency_seconds: float = Field(0, ge=0, description="How long every answer takes, at least.")
    storing_lag_seconds: float = Field(0, ge=0, description="How long after its acknowledgement an event can't be read back yet.")
    max_body_bytes: int = 64 * 1024**2
    estimate_engine: Literal["auto", "clickhouse", "duckdb"] = "auto"
    """What runs the SQL of billable metrics: real ClickHouse, its translation to DuckDB, or real ClickHouse where it is installed."""
    estimate_seconds: float = Field(30, gt=0, description="How long a billable metric may take for one customer.")
