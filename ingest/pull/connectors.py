"""Every connector by its name. A module is imported when its connector is used, so that a library that is missing or heavy costs nobody else."""

from functools import cache
from importlib import import_module

from ingest.errors import BadInput
from ingest.pull.connector import FileConnector, TableConnector

CONNECTORS: dict[str, str] = {
    "postgresql": "postgresql:PostgreSQL", "redshift": "postgresql:Redshift", "cockroachdb": "postgresql:CockroachDB",
    "mysql": "mysql:MySQL", "mariadb": "mysql:MariaDB",
    "clickhouse": "clickhouse:ClickHouse", "sqlite": "database_file:SQLite", "duckdb": "database_file:DuckDB", "mongodb": "mongodb:MongoDB",
    "snowflake": "snowflake:Snowflake", "bigquery": "bigquery:BigQuery", "databricks": "databricks:Databricks",
    "s3": "bucket:S3", "gcs": "bucket:GoogleCloudStorage", "azure": "bucket:AzureBlob", "sftp": "sftp:SFTP", "folder": "folder:Folder", "https": "https:Link",
    "google_sheets": "google_sheets:GoogleSheets", "sharepoint": "sharepoint:SharePoint", "rest": "rest:RestApi", "stripe": "rest:Stripe",
}
"""Name → module:class in this folder."""
ONE_FILE = frozenset({"https"})
"""Where the connection leads to one file already, so that no path has to be said."""


@cache
def connector(name: str) -> TableConnector | FileConnector:
    """The connector of this name. Raises BadInput with the names that are known."""
    if name not in CONNECTORS:
        raise BadInput(f"There is no connector {name!r}.", f"There are: {', '.join(CONNECTORS)}.")
    module, _, kind = CONNECTORS[name].partition(":")
    return getattr(import_module(f"ingest.pull.{module}"), kind)()
