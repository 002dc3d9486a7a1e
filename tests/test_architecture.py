"""Imports point one way, and each outside library has one home (docs: the layout)."""

import ast
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
STAGES = ("read", "match", "check", "metric", "push", "pull")
HOMES = {
    "dbos": ["ingest/jobs.py"],
    "httpx": ["ingest/alarms.py", "ingest/billing/", "ingest/pull/web.py", "ingest/pull/clickhouse.py", "ingest/pull/https.py", "ingest/pull/link_file.py", "ingest/pull/web_api.py", "ingest/pull/rest_pages.py", "ingest/pull/token.py", "ingest/pull/sharepoint.py", "ingest/pull/snowflake.py", "ingest/pull/bigquery.py", "ingest/pull/databricks.py"],
    "obstore": ["ingest/pull/bucket.py"],
    "pymongo": ["ingest/pull/mongodb.py"],
    "bson": ["ingest/pull/mongodb.py"],
    "paramiko": ["ingest/pull/sftp.py"],
    "python_calamine": ["ingest/read/"],
    "xlsxwriter": ["ingest/check/"],
    "alembic": ["ingest/store/"],
    "sqlalchemy": ["ingest/store/", "ingest/month.py"],
    "cronsim": ["ingest/pull/"],
    "smtplib": ["ingest/alarms.py"],
    "cryptography": ["ingest/store/secrets.py", "ingest/pull/jwt.py", "ingest/pull/snowflake.py"],
    "sqlglot": ["ingest/clickhouse/", "ingest/metric/", "ingest/check/formula.py"],
    "pymysql": ["ingest/pull/mysql.py"],
    "psycopg": ["ingest/pull/postgresql.py"],
    "chdb": ["ingest/clickhouse/real.py"],
}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py")) if path.is_file()] if folders else []


@cache
def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def offenders(paths: list[Path], forbidden: tuple[str, ...]) -> list[str]:
    return [f"{path.relative_to(PROJECT)} imports {name}" for path in paths for name in sorted(imported(path)) if any(name == each or name.startswith(f"{each}.") for each in forbidden)]


def test_the_records_import_nothing_of_ours():
    assert offenders(sources("schemas"), ("ingest", "pages", "app", "server", "streamlit", "duckdb", "sqlalchemy")) == []


def test_nothing_below_the_pages_knows_streamlit():
    assert offenders(sources("ingest"), ("streamlit", "pages", "app", "server")) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_other_stage(stage: str):
    others = tuple(f"ingest.{other}" for other in STAGES if other != stage)
    above = ("ingest.imports", "ingest.commands", "ingest.jobs", "ingest.__main__", "ingest.processes")
    assert offenders(sources(f"ingest/{stage}"), others + above) == []


def test_the_ground_floor_imports_no_stage():
    ground = [PROJECT / "ingest" / f"{name}.py" for name in ("errors", "settings", "engine", "files", "raw", "ledger")] + sources("ingest/store", "ingest/billing", "ingest/sandbox", "ingest/clickhouse")
    assert offenders(ground, tuple(f"ingest.{each}" for each in (*STAGES, "imports", "jobs", "commands"))) == []


@pytest.mark.parametrize("library", HOMES)
def test_each_outside_library_has_one_home(library: str):
    allowed = HOMES[library]
    found = [str(path.relative_to(PROJECT)) for path in [*sources("ingest", "schemas", "pages"), PROJECT / "app.py", PROJECT / "server.py"] if offenders([path], (library,))]
    assert [path for path in found if not any(path == home or path.startswith(home) for home in allowed)] == []


def test_no_page_lies_flat_in_the_pages_folder():
    """Streamlit runs pages/*.py by itself before app.py has run once, past sign-in and roles."""
    assert [path.name for path in (PROJECT / "pages").glob("*.py") if path.name != "__init__.py"] == []
