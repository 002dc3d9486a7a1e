"""Durable jobs in a worker of their own."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import imports, jobs
from ingest.settings import PROJECT
from ingest.store import imports as records
from ingest.worker import worker_lock


@pytest.fixture
def worker(home: Path) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, "-m", "ingest", "worker"], cwd=PROJECT, env={**os.environ}, stderr=subprocess.PIPE, text=True)
    assert "running" in process.stderr.readline()
    yield process
    process.terminate()
    process.wait()
    process.stderr.close()


def wait_for(import_id: str, busy: str) -> str:
    deadline = time.monotonic() + 30
    while records.get(import_id).state == busy and time.monotonic() < deadline:
        time.sleep(0.05)
    return records.get(import_id).state


@pytest.mark.parametrize("content, state", [("a,b\n1,2\n", "read"), ("", "unreadable")])
def test_a_file_is_read_by_the_worker(worker: subprocess.Popen, tmp_path: Path, content: str, state: str):
    path = tmp_path / "usage.csv"
    path.write_text(content)
    record = imports.start(path, "usage.csv", "anna")
    jobs.queue_read(record.id, None, "anna")
    assert wait_for(record.id, "reading") == state


def test_nothing_in_the_job_store_is_pickled(worker: subprocess.Popen, home: Path, tmp_path: Path):
    path = tmp_path / "usage.csv"
    path.write_text("a,b\n1,2\n")
    record = imports.start(path, "usage.csv", "anna")
    jobs.queue_read(record.id, None, "anna")
    wait_for(record.id, "reading")
    with sqlite3.connect(home / "dbos.db") as connection:
        formats = {row[0] for row in connection.execute("select distinct serialization from workflow_status")}
    connection.close()
    assert formats == {"portable_json"}


def test_a_second_worker_waits_for_the_first(worker: subprocess.Popen):
    with worker_lock(wait=False) as mine:
        assert not mine


def test_an_unknown_job_has_no_state(home: Path):
    assert jobs.status("never-queued").state == "none"
