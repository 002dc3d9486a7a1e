"""The three processes under one supervisor: one command starts them, Ctrl-C stops them, and what is in the way gets a sentence."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ingest.errors import BadInput
from ingest.processes import free_port, up, worker_runs
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.settings import PROJECT, settings


@contextmanager
def taken():
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def two_free_ports() -> tuple[int, int]:
    with taken() as first, taken() as second:
        return first, second


@pytest.fixture
def ports(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Gives portal and sandbox their ports."""

    def choose(portal: int, sandbox: int) -> None:
        monkeypatch.setenv("INTAKE_PORTAL_PORT", str(portal))
        monkeypatch.setenv("INTAKE_SANDBOX_PORT", str(sandbox))
        settings.cache_clear()

    return choose


@pytest.mark.parametrize("name", ["portal", "sandbox"])
def test_a_port_in_use_is_a_sentence_that_names_a_free_one(ports, name: str):
    with taken() as busy:
        free, _ = two_free_ports()
        ports(*((busy, free) if name == "portal" else (free, busy)))
        with pytest.raises(BadInput, match=rf"Port {busy} on 127.0.0.1 is in use, so the {name} can't start there. .* INTAKE_{name.upper()}_PORT=\d+ make run"):
            up(print)


def test_portal_and_sandbox_cant_share_a_port(ports):
    free, _ = two_free_ports()
    ports(free, free)
    with pytest.raises(BadInput, match=f"Port {free} on 127.0.0.1 is in use, so the sandbox"):
        up(print)


@pytest.mark.parametrize("host, port, words", [("127.0.0.1", 70_000, "There is no port 70000"), ("127.0.0.1", -1, "There is no port -1"), ("192.0.2.1", 8501, "can't listen on 192.0.2.1 port 8501"), ("nowhere.invalid", 8501, "can't listen on nowhere.invalid port 8501")])
def test_an_address_that_cant_be_had_is_a_sentence(host: str, port: int, words: str):
    with pytest.raises(BadInput, match=words):
        free_port("portal", host, port)


def test_an_ipv6_address_can_be_had():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = probe.getsockname()[1]
    with free_port("portal", "::1", port), pytest.raises(BadInput, match="is in use"):
        free_port("portal", "::1", port)


def test_a_data_folder_that_is_in_use_is_a_sentence(home: Path, ports):
    ports(*two_free_ports())
    with closing(build_app(home / "sandbox").state.store), pytest.raises(BadInput, match="is running already"):
        up(print)


def test_one_command_starts_all_three_and_ctrl_c_stops_them(home: Path, ports):
    portal, sandbox = two_free_ports()
    ports(portal, sandbox)
    with subprocess.Popen([sys.executable, "-m", "ingest", "up"], cwd=PROJECT, env={**os.environ}, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert f"http://127.0.0.1:{portal}" in running.stdout.readline()
            assert httpx.get(f"http://127.0.0.1:{portal}/").status_code == 200
            customers = httpx.get(f"http://127.0.0.1:{sandbox}/customers", headers={"x-api-key": SANDBOX_KEY, "organisation": SANDBOX_ORGANISATION}).json()
            assert customers["total_count"] == 6
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0
    assert not worker_runs() and not (home / "sandbox" / "address.json").exists()
    for name, port in (("portal", portal), ("sandbox", sandbox)):
        free_port(name, "127.0.0.1", port).close()
