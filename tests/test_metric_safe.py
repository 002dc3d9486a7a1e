"""SQL that people type reads the tables of its preview and nothing else; every attempt at more ends in a sentence."""

from pathlib import Path

import pytest

from ingest.clickhouse import SqlMistake, parse, translate
from ingest.metric.throwaway import SqlRefused, answers
from tests.metric_events import TABLE

pytestmark = pytest.mark.usefixtures("home")

PREPARE = ["create table raw_metric_compute as select 'acme' as customer_id, 1.50::decimal(18, 2) as quantity from range(3)", "create table other_import as select 'secret' as customer_id"]


def asked(sql: str, seconds: float = 20.0) -> list[dict]:
    return answers([(sql, [])], prepare=PREPARE, tables=["raw_metric_compute"], rows=1000, seconds=seconds)[0].to_pylist()


# Directly against the locked process, in DuckDB's own SQL, as if the translation let everything through.
FORBIDDEN = [
    "select * from read_csv('/etc/passwd')", "select content from read_text('/etc/passwd')", "select * from '/etc/passwd'", "select * from glob('/*')", "from query('select 1')", "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('x.parquet')", "select (select count(*) from read_blob('/etc/passwd'))", "with x as (select * from read_json('/etc/passwd')) select * from x",
    "attach '/tmp/other.db' as other", "attach ':memory:' as other", "copy raw_metric_compute to '/tmp/stolen.csv'", "copy (select 1) to 'x'", "export database '/tmp/x'", "install httpfs", "load httpfs", "set memory_limit = '100GB'",
    "set lock_configuration = false", "reset memory_limit", "pragma database_list", "pragma version", "create macro f() as 1", "create table x as select 1", "create secret (type s3)", "drop table raw_metric_compute", "update raw_metric_compute set quantity = 0",
    "insert into raw_metric_compute values ('x', 1)", "call duckdb_settings()", "prepare x as select 1", "explain analyze select 1", "show tables", "describe raw_metric_compute", "use memory", "checkpoint", "begin", "select 1; select 2", "select 1; drop table raw_metric_compute",
    "select * from other_import", "select * from main.raw_metric_compute", "select * from memory.main.other_import", "select * from information_schema.tables", "select * from duckdb_tables", "select * from duckdb_settings()", "select * from sqlite_master",
    "select getenv('PATH')", "select getvariable('x')", "select current_setting('temp_directory')", "select (select max(current_setting('memory_limit')) from raw_metric_compute)", "select current_query()", "select current_database()", "select write_log('x')", "select nextval('s')",
    "select json_serialize_plan('select * from other_import')", "select /* a comment */ * from /* another */ read_text('/etc/passwd')", "select * from \"read_text\"('/etc/passwd')", "select * from READ_TEXT('/etc/passwd')", "select * from main.read_text('/etc/passwd')",
    "select * from system.main.read_text('/etc/passwd')", "select * from \"/etc/passwd\"", "from read_blob('/etc/passwd')", "select (from duckdb_secrets())", "select * from which_secret('s3://x', 's3')", "select * from query_table('other_import')", "select * from query_table(['other_import'])",
    "select * from seq_scan('other_import')", "from json_execute_serialized_sql(json_serialize_sql('select * from other_import'))", "select * from duckdb_extensions()", "select * from duckdb_functions()", "select * from duckdb_logs", "select * from pg_settings", "select * from pragma_database_list",
    "select * from pragma_show_tables()", "select * from pragma_storage_info('other_import')", "select * from checkpoint()", "select * from enable_logging()", "select * from repeat('x', 1000000000)", "select * from test_all_types()", "select * from arrow_scan(1, 2, 3)", "from (show tables)", "from (describe raw_metric_compute)",
    "from (summarize raw_metric_compute)", "select * from (with other_import as (select 1) select * from other_import) a, other_import b", "with sqlite_master as (select 1) select * from sqlite_master", "with RAW_METRIC_COMPUTE_ as (select 1), other_import as (select 2) select * from OTHER_IMPORT",
    "pivot raw_metric_compute on customer_id", "merge into raw_metric_compute using other_import on true when matched then delete", "select 1 /* ; */; /* ; */ select 2", "select * from pg_catalog.pg_tables", "select * from pragma_table_info('other_import')", "select * from 'https://example.com/x.parquet'", "select * from read_parquet('s3://bucket/x')", "",
]


AS_TYPED = [
    "SELECT * FROM file('/etc/passwd')", "SELECT file('/etc/passwd') AS quantity", "SELECT * FROM url('http://127.0.0.1')", "SELECT * FROM s3('x')", "SELECT * FROM remote('x')", "SELECT * FROM cluster('x')", "SELECT * FROM merge('x')", "SELECT executable('x')", "SELECT * FROM numbers(1000000000000)",
    "SELECT * FROM generate_series(1, 10)", "SELECT range(1000000000000) AS quantity", "SELECT count() AS quantity FROM system.tables", "SELECT * FROM information_schema.tables", "SELECT * FROM `/etc/passwd`", "SELECT * FROM '/etc/passwd'", "SELECT * FROM raw_metric_other", "SELECT * FROM query('select 1')",
    "SELECT getSetting('max_threads') AS quantity", "SELECT current_setting('x') AS quantity", "SELECT getvariable('x') AS quantity", "SELECT @@version AS quantity", "SELECT currentUser() AS quantity", "SELECT hostName() AS quantity", "SELECT dictGet('a', 'b', 1) AS quantity", "SELECT joinGet('x', 'y', 1) AS quantity",
    "SELECT * FROM read_text('/etc/passwd')", "SELECT \"read_text\"('/etc/passwd') AS quantity", "SELECT * FROM glob('*')", "SELECT * FROM sniff_csv('x')", "SELECT arrayJoin([1]) AS quantity", "SELECT sleep(3) AS quantity", "SELECT repeat('x', 1000000000) AS quantity", "SELECT lpad('x', 1000000000, 'y') AS quantity",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) AS quantity FROM r", "WITH x AS (INSERT INTO y VALUES (1)) SELECT 1", "WITH x AS (COPY y TO 'z') SELECT 1", "SELECT 1 AS quantity INTO OUTFILE 'x'", "SELECT 1 AS quantity FORMAT CSV", "SELECT 1 AS quantity SETTINGS max_threads = 1",
    "SELECT 1 AS quantity; SELECT 2", "SELECT 1 AS quantity /* ; */; /* */ DROP TABLE x", "SELECT {x:String} AS quantity", "SELECT ? AS quantity", "INSERT INTO raw_metric_compute SELECT 1", "CREATE TABLE x (a Int8)", "DROP TABLE raw_metric_compute", "ATTACH 'x' AS y", "DETACH x", "COPY x TO 'y'", "INSTALL httpfs", "LOAD httpfs",
    "SET x = 1", "PRAGMA database_list", "SHOW TABLES", "DESCRIBE raw_metric_compute", "EXPLAIN SELECT 1", "USE x", "KILL QUERY", "SYSTEM SHUTDOWN", "CALL x()", "",
]


@pytest.mark.parametrize("sql", AS_TYPED)
def test_every_attempt_as_it_is_typed_gets_a_sentence_before_anything_runs(sql: str, caplog: pytest.LogCaptureFixture):
    with pytest.raises(SqlMistake) as caught:
        translate(parse(sql), [TABLE])
    assert caught.value.sentence.endswith(".")
    assert caplog.text == "", "what people type is in no log"


def test_what_is_allowed_answers():
    assert asked("with a as (select * from raw_metric_compute) select customer_id, sum(quantity)::varchar as quantity from a group by 1 -- by customer") == [{"customer_id": "acme", "quantity": "4.50"}]
    assert len(asked("select * from range(100000)")) == 1000, "rows are capped"


def test_many_questions_cost_one_process():
    found = answers([("select ? || 'x' as quantity", [str(number)]) for number in range(50)], prepare=PREPARE, tables=[], rows=10)
    assert [each.to_pylist() for each in found[:2]] == [[{"quantity": "0x"}], [{"quantity": "1x"}]] and len(found) == 50


def test_every_statement_that_is_no_question_about_the_table_is_refused():
    """One process for all of them: each is looked at before any of it runs."""
    from ingest.engine import engine
    from ingest.metric.locked import NotAllowed, check

    with engine() as connection:
        for sql in PREPARE:
            connection.execute(sql)
        passed = []
        for sql in FORBIDDEN:
            try:
                check(connection, sql, ["raw_metric_compute"])
                passed.append(sql)
            except NotAllowed:
                pass
    assert passed == []


@pytest.mark.parametrize("sql", ["select * from read_text('/etc/passwd')", "select * from other_import", "select 1; select 2", "attach '/tmp/x.db' as x"])
def test_a_refusal_is_a_sentence(sql: str, home: Path):
    with pytest.raises(SqlRefused, match="This SQL asks for something that a metric can't have: .+\\. It can only read the tables of this preview"):
        asked(sql)
    assert not [*home.glob("spill-*")], "nothing is left behind"


@pytest.mark.parametrize(("sql", "sentence"), [
    ("select repeat('x', 2000000000) as quantity", "more memory"), ("select replace(replace(replace(repeat('x', 1000000), 'x', repeat('y', 100)), 'y', repeat('z', 100)), 'z', 'zz') as quantity", "more memory"), ("select len(range(500000000)) as quantity", "more memory"), ("select string_agg(repeat('x', 1000000), '') as quantity from range(3000)", "more memory"),
    ("select nothing from raw_metric_compute", "can't be run"),
])
def test_too_much_is_stopped_with_a_sentence(sql: str, sentence: str):
    with pytest.raises(SqlRefused, match=sentence):
        asked(sql)


@pytest.mark.parametrize("sql", [
    "with recursive r as (select 1 as n union all select n + 1 from r) select max(n) as quantity from r", "select count(*) as quantity from range(100000000000) a, range(1000000) b", "select sleep_ms(60000) as quantity",
])
def test_what_never_ends_is_ended(sql: str):
    with pytest.raises(SqlRefused, match="took longer than 1.5 seconds"):
        asked(sql, seconds=1.5)


def test_the_process_itself_can_reach_no_file_once_it_is_locked():
    """Behind the gate: the engine refuses too, where a function would open one."""
    with pytest.raises(Exception, match="disabled"):
        answers([("select 1", [])], prepare=[*PREPARE, "set enable_external_access = false", "select * from read_text('/etc/passwd')"], tables=[], rows=1)
