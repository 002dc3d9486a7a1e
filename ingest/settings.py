"""Settings of one installation: flag before environment before settings file before default."""

import getpass
import os
import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from ingest.errors import BadInput

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseModel):
    """Everything that can be set. Names in the environment are `INTAKE_` + the upper-case name; in `settings.toml` the plain name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(PROJECT / ".intake", description="The data folder.")
    database_url: str = Field("", repr=False, description="SQL store; empty means SQLite in the data folder.")
    api_url: str = Field("", description="Billing API of an account given by the environment.")
    api_key: SecretStr = SecretStr("")
    organisation: str = ""
    api_kind: str = Field("sandbox", description="`sandbox` or `production`, for the account given by the environment.")
    portal_host: str = "127.0.0.1"
    portal_port: int = 8501
    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = 8765
    upload_max_bytes: int = Field(5 * 1024**3, description="Largest file that can be uploaded.")
    upload_slice_bytes: int = 8 * 1024**2
    ticket_seconds: int = Field(12 * 3600, description="How long an upload ticket is good for.")
    memory_limit: str = Field("1GB", description="What DuckDB may use for one stage.")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 2)
    free_bytes: int = Field(200 * 1024**2, description="Room that is kept free on the disk of the data folder.")
    read_max_columns: int = Field(16_384, gt=0, description="The most columns a table may have.")
    read_max_record_chars: int = Field(16 * 1024**2, gt=0, description="The longest record of a text file.")
    read_max_cell_chars: int = Field(16 * 1024**2, gt=0, description="The longest record of an XML file.")
    read_max_document_bytes: int = Field(64 * 1024**2, gt=0, description="The largest file of a kind that is read in one piece: a JSON document, a web page.")
    read_max_document_depth: int = Field(100, gt=0, description="How deep JSON and XML may be nested.")
    read_max_inflated_bytes: int = Field(4 * 1024**3, gt=0, description="What a workbook may unpack to.")
    read_max_unpacked_bytes: int = Field(20 * 1024**3, gt=0, description="What a packed file may unpack to on the disk.")
    read_max_inflation: int = Field(250, gt=0, description="How much larger than itself a packed file or a workbook may unpack, once that is more than `read_inflation_from_bytes`.")
    read_inflation_from_bytes: int = Field(32 * 1024**2, gt=0, description="What any packed file and workbook may unpack to, however small it is.")
    read_max_packed_rows: int = Field(500_000_000, gt=0, description="The most rows of a Parquet file.")
    read_max_members: int = Field(10_000, gt=0, description="The most files in a zip archive.")
    read_max_packing: int = Field(3, gt=0, description="How deep files may be packed in one another.")
    push_attempts: int = Field(7, gt=0, le=100, description="How often a batch is tried, over half a minute, before its push waits for somebody.")
    pull_allow: str = Field("", description="Networks of this machine and of the company that links may reach, as `10.0.0.0/8, 127.0.0.0/8`; none by default.")
    pull_guard_databases: bool = Field(False, description="Hold databases, buckets and SFTP servers to `pull_allow` too; otherwise private addresses are fine for them.")
    pull_folders: str = Field("", description="Folders that may be watched, with commas between them; empty for any.")
    pull_max_bytes: int = Field(5 * 1024**3, gt=0, description="Largest file that is fetched from a source.")
    secret_keys: SecretStr = Field(SecretStr(""), description="Keys for stored passwords, with commas between them: the first seals, all open; empty for secret.key in the data folder.")
    alarm_email: str = Field("", description="Who gets alarms about sources by mail, with commas between the addresses.")
    alarm_from: str = Field("usage-intake@localhost", description="From whom these mails come.")
    smtp_url: SecretStr = Field(SecretStr(""), description="Server that takes mails: smtp://user:password@host:587, smtps://…, or env:NAME, file:PATH.")
    alarm_webhook: str = Field("", description="Address that gets alarms about sources as JSON.")
    alarm_secret: SecretStr = Field(SecretStr(""), description="What these messages are signed with (HMAC-SHA256), or env:NAME, file:PATH.")
    user: str = Field(default_factory=lambda: _operating_system_user(), description="Who is acting, where nobody signs in.")


def _operating_system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises BadInput with the name of a setting that can't be read."""
    return read_settings(dict(os.environ))


def read_settings(environment: dict[str, str]) -> Settings:
    """Settings from an environment, the `settings.toml` in its data folder, and the defaults, in that order."""
    from_environment = {name: environment[key] for name in Settings.model_fields if (key := f"INTAKE_{name.upper()}") in environment}
    home = Path(from_environment.get("home") or Settings().home).expanduser().resolve()
    from_file = _settings_file(home / "settings.toml")
    try:
        return Settings(**{**from_file, **from_environment, "home": home})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"The setting {'.'.join(str(part) for part in first['loc'])} can't be used: {first['msg']}.") from None


def _settings_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The settings file {path} can't be read: {error}.") from None
