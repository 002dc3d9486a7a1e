"""ClickHouse's HTTP interface over the real engine (chdb), as a process of its own: the engine keeps one database in a process. Prints its address."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.settings import PROJECT
from tests.web_servers import Asked, Reply, Served

PASSWORD = "s3cr3t-of-reader"
FILL = (
    "create database usage",
    """create table usage.events (id UInt64, updated_at DateTime64(6, 'Europe/Berlin'), customer String, hours Decimal(76, 30), big Int128, price Nullable(Decimal(18, 4)), plan LowCardinality(Nullable(String)), tags Array(String), ok Bool, f Float64,
        u UUID, day Date32) engine = MergeTree order by id""",
    """insert into usage.events values (1, '2026-10-01 12:00:00', 'Müller "x"', 0, 0, 1.5, null, [], false, nan, '123e4567-e89b-12d3-a456-426614174000', '2026-10-01'),
        (18446744073709551615, '2026-10-25 02:30:00.123456', 'acme', 1234567890123456789012345678901234567890.123456789012345678901234567891, -170141183460469231731687303715884105728, null, 'x', ['a', 'b'], true, 0.1,
         '123e4567-e89b-12d3-a456-426614174000', '1960-01-01')""",
)


@contextmanager
def clickhouse() -> Iterator[str]:
    """The address of a server that runs."""
    with subprocess.Popen([sys.executable, "-m", "tests.clickhouse_server"], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def main() -> None:
    """Serves until its standard input ends."""
    from chdb import session

    engine = session.Session()
    for statement in FILL:
        engine.query(statement)

    def service(asked: Asked) -> Reply:
        if asked.headers.get("x-clickhouse-key") != PASSWORD:
            return Reply(b"Code: 516. DB::Exception: reader: Authentication failed", 403, {"x-clickhouse-exception-code": "516"})
        settings = ", ".join(f"{name} = {value}" for name, value in asked.query.items() if name.startswith(("prefer", "output")))
        try:
            return Reply(bytes(engine.query(f"{asked.body.decode()}{settings and ' settings '}{settings}", asked.query["default_format"]).bytes()))
        except RuntimeError as error:
            said = str(error)
            return Reply(said[said.find("Code:"):].encode(), 404, {"x-clickhouse-exception-code": next(iter(re.findall(r"Code: (\d+)", said)), "0")})

    running = Served(service)
    print(running.url, flush=True)
    sys.stdin.read()
    running.close()


if __name__ == "__main__":
    main()
