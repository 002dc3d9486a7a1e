"""The process that runs SQL which people typed: begun for one metric, locked, and ended after it. Run by its path, in Python's isolated mode, so it imports nothing of ours.

It is told on standard input what to do, as JSON: `prepare` (our own SQL that makes the tables), `tables` (what may be read), `queries` ([sql, parameters] each), `rows` (the most of
each answer), `memory`, `seconds`, `bytes`. The answers lie in `answers.arrow` in its own folder, where it was started, one Arrow stream after the other; standard output says {"answers": n}, or
{"refused": kind, "why": …, "at": number}.
"""

import json
import resource
import sys
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.ipc

SPARE = 1024**3
"""Address space beside what DuckDB may use: the interpreter, libraries, Arrow."""
OPEN_FILES = 64
TABLE_FUNCTIONS = ("unnest", "range", "generate_series")
ABOUT_THE_ENGINE = ("current_setting", "getvariable", "getenv", "write_log", "current_query", "current_database", "current_schemas", "json_serialize_plan", "nextval", "currval", "txid_current", "version")
"""Functions that tell of the engine or do something to it, instead of calculating."""
SETTINGS = {
    "threads": "1", "temp_directory": "spill", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "allow_community_extensions": "false",
    "allow_persistent_secrets": "false", "python_enable_replacements": "false", "max_expression_depth": "500",
}


class NotAllowed(Exception):
    """SQL that isn't one question about the tables that are there."""


def main() -> None:
    """Does what standard input says."""
    asked = json.load(sys.stdin)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, asked["bytes"])
    _limit(resource.RLIMIT_CPU, int(asked["seconds"]) + 1)
    print(json.dumps(_answered(asked)))


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), min(most, hard)))


def _answered(asked: dict) -> dict:
    at = 0
    try:
        connection = _locked(asked)
        checked = set()
        with pa.OSFile("answers.arrow", "wb") as file:
            for at, (sql, parameters) in enumerate(asked["queries"]):  # noqa: B007
                if sql not in checked:
                    check(connection, sql, asked["tables"])
                    checked.add(sql)
                answer = connection.execute(f"select * from (\n{sql}\n) limit {int(asked['rows'])}", parameters).to_arrow_table()
                with pa.ipc.new_stream(file, answer.schema) as stream:
                    stream.write_table(answer)
    except NotAllowed as error:
        return {"refused": "not allowed", "why": str(error), "at": at}
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError):
        return {"refused": "memory", "why": "", "at": at}
    except OSError:
        return {"refused": "size", "why": "", "at": at}
    except duckdb.Error as error:
        return {"refused": "memory" if "bad_alloc" in str(error) else type(error).__name__, "why": str(error), "at": at}
    return {"answers": len(asked["queries"])}


def _locked(asked: dict) -> duckdb.DuckDBPyConnection:
    """An engine with the tables, which can reach nothing else any more."""
    connection = duckdb.connect(config={**SETTINGS, "memory_limit": f"{asked['memory']}B", "max_temp_directory_size": f"{asked['bytes']}B"})
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    for sql in asked["prepare"]:
        connection.execute(sql)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    _limit(resource.RLIMIT_AS, asked["memory"] + SPARE)
    return connection


def check(connection: duckdb.DuckDBPyConnection, sql: str, tables: list[str]) -> None:
    """Raises NotAllowed for SQL that is more than one SELECT, or reads something else than the tables."""
    found = connection.extract_statements(sql)
    if len(found) != 1:
        raise NotAllowed(f"{len(found)} statements")
    if found[0].type != duckdb.StatementType.SELECT:
        raise NotAllowed(f"{found[0].type.name} statement")
    parsed = json.loads(connection.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])
    if parsed["error"]:
        raise NotAllowed(parsed["error_message"])
    nodes = list(_nodes(parsed["statements"]))
    named = {entry["key"].lower() for node in nodes if isinstance(node.get("map"), list) for entry in node["map"] if isinstance(entry.get("key"), str)}
    known = {*(name.lower() for name in tables), *named - _relations(connection)}
    for node in nodes:
        _check_node(node, known)


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """What the engine has by name already: WITH can't take such a name and so hide what is read."""
    return {name.lower() for name, in connection.execute("select table_name from duckdb_tables() union select view_name from duckdb_views()").fetchall()}


def _check_node(node: dict, known: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE" and (node["table_name"].lower() not in known or node["schema_name"] or node["catalog_name"]):
        raise NotAllowed(f"the table {'.'.join(each for each in (node['catalog_name'], node['schema_name'], node['table_name']) if each)}")
    if kind == "TABLE_FUNCTION" and node["function"].get("function_name", "").lower() not in TABLE_FUNCTIONS:
        raise NotAllowed(f"the table function {node['function'].get('function_name')}")
    if kind == "FUNCTION" and node.get("function_name", "").lower() in ABOUT_THE_ENGINE:
        raise NotAllowed(f"the function {node['function_name']}")
    if kind == "SHOW_REF":
        raise NotAllowed("a SHOW statement")


def _nodes(tree: object) -> Iterator[dict]:
    """Every object of a parsed statement."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


if __name__ == "__main__":
    main()
