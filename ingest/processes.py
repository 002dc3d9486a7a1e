"""The three processes and who starts them: portal, worker and sandbox under one supervisor; a sandbox for one command."""

import errno
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ingest.errors import BadInput, Outside
from ingest.settings import PROJECT, settings
from ingest.source_secrets import Masked
from schemas.account import Account

START_SECONDS = 30.0
STOP_SECONDS = 15.0
RESTARTS = 5
SANDBOX = [sys.executable, "-m", "ingest", "sandbox", "--sample-customers"]
"""The practice account knows the customers of the samples; a sandbox that somebody starts by hand begins empty."""


def up(say: Callable[[str], None]) -> int:
    """Starts portal, worker and sandbox, and stops them together: on Ctrl-C, on SIGTERM, or when one of them keeps ending by itself."""
    given = settings()
    _refuse_second_start()
    with ExitStack() as held:  # both at once, so that the two can't be given one port
        for name, host, port in (("portal", given.portal_host, given.portal_port), ("sandbox", given.sandbox_host, given.sandbox_port)):
            held.enter_context(free_port(name, host, port))
    commands = {
        "sandbox": [*SANDBOX, "--host", given.sandbox_host, "--port", str(given.sandbox_port)],
        "worker": [sys.executable, "-m", "ingest", "worker"],
        "portal": [sys.executable, "-m", "uvicorn", "server:app", "--host", given.portal_host, "--port", str(given.portal_port), "--log-level", "warning", "--timeout-graceful-shutdown", "3"],
    }
    running: dict[str, subprocess.Popen] = {}
    asked = _StopAsked()
    try:
        for name, command in commands.items():
            running[name] = _start(name, command)
        _wait_until_listening(running, given.portal_host, given.portal_port, asked)
        if not asked.stop:
            say(f"Usage Intake is at http://{given.portal_host}:{given.portal_port}  (Ctrl-C stops it; your work stays in {given.home})")
        return _watch(running, commands, asked, say)
    finally:
        _stop(running)


def free_port(name: str, host: str, port: int) -> socket.socket:
    """Holds a port until it is closed. Raises BadInput where it can't be had."""
    if not 1 <= port <= 65_535:
        raise BadInput(f"There is no port {port}, so the {name} can't start there.", f"Choose one from 1024 to 65535: INTAKE_{name.upper()}_PORT=8501 make run")
    try:
        return socket.create_server((host, port), family=socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            free = next((each for each in range(port + 1, min(port + 100, 65_536)) if not _listens(host, each)), 8501)
            raise BadInput(f"Port {port} on {host} is in use, so the {name} can't start there.", f"Stop what is using it (perhaps Usage Intake is running already), or choose another: INTAKE_{name.upper()}_PORT={free} make run") from None
        raise BadInput(f"The {name} can't listen on {host} port {port}: {os.strerror(error.errno) if (error.errno or 0) > 0 else error.strerror}.", f"Choose another address or port: INTAKE_{name.upper()}_HOST=127.0.0.1 INTAKE_{name.upper()}_PORT=8501 make run") from None


def _refuse_second_start() -> None:
    """Raises BadInput where the practice account of this data folder is in use: a second one can't be started on it."""
    if _is_held(settings().home / "sandbox" / "lock"):
        raise BadInput(f"The practice account in {settings().home} is running already.", "Perhaps Usage Intake is running, or a command is at work there: wait until it has ended, or stop it.")


@contextmanager
def sandbox_for(account: Account) -> Iterator[None]:
    """Makes sure that the embedded sandbox is running while a command needs it; one that is started here ends here."""
    if not account.embedded or _sandbox_answers():
        yield
        return
    process = _start("sandbox", [*SANDBOX, "--port", "0"])
    try:
        _wait_for(lambda: _sandbox_answers() or process.poll() is not None)
        if process.poll() is not None and not _sandbox_answers():
            raise Outside("The embedded sandbox could not be started.", f"Its log is {settings().home / 'logs' / 'sandbox.log'}.")
        yield
    finally:
        _stop({"sandbox": process})


def log_to(name: str) -> None:
    """Sends this process's log to a rotating file in the data folder."""
    folder = settings().home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / f"{name}.log", maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.addFilter(Masked())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("httpx", "httpcore", "dbos"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _StopAsked:
    """Turns Ctrl-C and SIGTERM into a word that the loop reads."""

    def __init__(self) -> None:
        self.stop = False
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._ask)

    def _ask(self, *_: object) -> None:
        self.stop = True


def _start(name: str, command: list[str]) -> subprocess.Popen:
    folder = settings().home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "INTAKE_HOME": str(settings().home), "PYTHONUNBUFFERED": "1"}
    with (folder / f"{name}.out").open("ab") as out:
        return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)


def _watch(running: dict[str, subprocess.Popen], commands: dict[str, list[str]], asked: _StopAsked, say: Callable[[str], None]) -> int:
    """Until somebody asks to stop. A process that ends by itself is started again, since the others do without it for a moment; one that keeps ending stops everything."""
    lives = dict.fromkeys(commands, RESTARTS)
    while not asked.stop:
        for name in [name for name, process in running.items() if process.poll() is not None]:
            output = settings().home / "logs" / f"{name}.out"
            if not lives[name]:
                say(f"The {name} keeps stopping by itself, so everything stops. Its output is in {output}.")
                return 3
            lives[name] -= 1
            say(f"The {name} has stopped by itself and is started again. Its output is in {output}.")
            running[name] = _start(name, commands[name])
        time.sleep(0.2)
    say("Stopping …")
    return 0


def _stop(running: dict[str, subprocess.Popen]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in running.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(running: dict[str, subprocess.Popen], host: str, port: int, asked: _StopAsked) -> None:
    _wait_for(lambda: asked.stop or _listens(host, port) or any(process.poll() is not None for process in running.values()))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def worker_runs() -> bool:
    """Whether somebody runs the jobs of this data folder."""
    return _is_held(settings().home / "worker.lock")


def _sandbox_answers() -> bool:
    """Whether the sandbox of this data folder is up: it holds a lock, so an address left behind by a killed one doesn't count."""
    folder = settings().home / "sandbox"
    return (folder / "address.json").exists() and _is_held(folder / "lock")


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
