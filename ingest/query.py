"""Bounded reads in two small warm processes, so that a page never computes in the portal and a slow question can be killed.

A process of our own over a socket, not multiprocessing: that would run the page's script again in every child it spawns.
"""

import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from queue import Empty, Queue

from ingest.errors import IngestError, Outside
from ingest.settings import PROJECT, settings

PROCESSES = 2
SECONDS = 30.0
MEMORY = "512MB"
WARM = ("ingest.imports", "ingest.metric", "pyarrow.compute")


class TooSlow(Outside):
    """A question that took longer than a page may wait."""


class Failed(Exception):
    """A question that broke something in a query process. `where` names the places in the code, without any data."""

    def __init__(self, where: str) -> None:
        super().__init__("A question failed in a query process.")
        self.where = where

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.where,)


class Process:
    """One query process and the line to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "INTAKE_HOME": str(settings().home), "INTAKE_MEMORY_LIMIT": MEMORY, "INTAKE_THREADS": str(max(1, (os.cpu_count() or 2) // PROCESSES))}
        command = [sys.executable, "-c", "from ingest import query; query.main()", str(theirs.fileno())]
        with theirs:
            self.child = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.line = Connection(ours.detach())

    def ask(self, function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object], seconds: float) -> object:
        """The answer. Raises what the function raised, and TooSlow after killing the process."""
        try:
            self.line.send((function, args, kwargs))
            if not self.line.poll(seconds):
                self.end()
                raise TooSlow("This question took too long to answer.", "Ask for less at once, or try again in a moment.")
            worked, answer = self.line.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.end()
            raise TooSlow("This question needed more room than a page may use.", "Ask for less at once.") from None
        if not worked:
            raise answer
        return answer

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self.child.poll() is None and not self.line.closed

    def end(self) -> None:
        """Kills it."""
        self.line.close()
        self.child.kill()
        self.child.wait()


class Pool:
    """The query processes of one data folder: asked one question each at a time, started when first needed, replaced when dead."""

    def __init__(self, processes: int = PROCESSES) -> None:
        self.free: Queue[Process | None] = Queue()
        self.home = settings().home
        for _ in range(processes):
            self.free.put(None)

    @contextmanager
    def process(self, seconds: float) -> Iterator[Process]:
        """A process for one question. Raises TooSlow where all are busy for that long."""
        try:
            found = self.free.get(timeout=seconds)
        except Empty:
            raise TooSlow("The portal is busy with other questions.", "Try again in a moment.") from None
        try:
            if found is None or not found.alive:
                found = Process()
            yield found
        finally:
            self.free.put(found)

    def end(self) -> None:
        """Ends all processes that aren't in use."""
        while not self.free.empty():
            found = self.free.get_nowait()
            if found is not None:
                found.end()


_pools: dict[str, Pool] = {}
_guard = threading.Lock()


def ask(function: Callable[..., object], args: Sequence[object] = (), kwargs: Mapping[str, object] | None = None, *, seconds: float = SECONDS) -> object:
    """What the function answers, computed in a query process. `function` must be importable by name."""
    with pool("questions", PROCESSES).process(seconds) as process:
        return process.ask(function, args, kwargs or {}, seconds)


def make(function: Callable[..., object], args: Sequence[object] = (), *, seconds: float) -> object:
    """As `ask`, for files that take long to make: one after the other in a process of their own, so that no page waits behind them."""
    with pool("files", 1).process(seconds) as process:
        return process.ask(function, args, {}, seconds)


def pool(name: str, processes: int) -> Pool:
    """A pool of this process; another one where the data folder has changed."""
    with _guard:
        found = _pools.get(name)
        if found is None or found.home != settings().home:
            if found is not None:
                found.end()
            found = _pools[name] = Pool(processes)
        return found


def warm() -> None:
    """Starts the processes for questions and loads what they need, so that the first page needn't wait for it."""
    here = pool("questions", PROCESSES)
    with here.process(SECONDS) as first, here.process(SECONDS) as second:
        for process in (first, second):
            process.ask(load, (WARM,), {}, SECONDS)


def end() -> None:
    """Ends the processes; the next question starts new ones."""
    while _pools:
        _pools.popitem()[1].end()


def serve(line: Connection) -> None:
    """Answers questions until nobody asks any more."""
    while True:
        try:
            function, args, kwargs = line.recv()
        except EOFError:
            return
        line.send(_answer(function, args, kwargs))


def _answer(function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[bool, object]:
    try:
        return True, function(*args, **kwargs)
    except IngestError as error:
        return False, error
    except Exception as error:  # the outermost loop of a process: the asker must hear of it
        frames = " ← ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:]))
        return False, Failed(f"{type(error).__name__} at {frames}")


def load(modules: Sequence[str]) -> None:
    """Imports modules, so that they are there when they are needed."""
    for name in modules:
        import_module(name)


def main() -> None:
    """A query process. Not run as `-m ingest.query`: what it answers must carry this module's name, not `__main__`."""
    serve(Connection(int(sys.argv[1])))
