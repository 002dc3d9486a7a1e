"""Small files of every format with bytes changed, cut, doubled and mixed: each is read or refused with a sentence, within ten seconds, and loses nothing unsaid.

    python -m benchmarks.fuzz [--minutes 1] [--seed 0] [--only csv xlsx] [--keep FOLDER]

Hypothesis draws the changes and makes a failure as small as it can; a child process reads, so that a hang or a crash of a library is a failure like others. Prints each new failure; exit 1 when there was one.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import HypothesisException

from tests.mutations import mutated
from tests.reading import checked_read
from tests.samples import samples

SECONDS = 10
EXAMPLES = 400
MEMORY = 3 * 1024**3
FILES_PER_CHILD = 2_000


class Failed(Exception):
    """A file that was neither read nor refused as it should be; `kind` tells failures apart."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind)
        self.kind, self.detail = kind, detail


class Child:
    """The process that reads; a new one after each hang or crash."""

    def __init__(self) -> None:
        self.process: multiprocessing.Process | None = None
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0

    def read(self, name: str, content: bytes) -> None:
        """Reads a file. Raises Failed where the outcome is none that is allowed."""
        if self.outcomes.total() % FILES_PER_CHILD == 0:
            self.stop()
        if self.process is None or not self.process.is_alive():
            self._start()
        begin = time.monotonic()
        self.pipe.send((name, content))
        try:
            answered = self.pipe.poll(SECONDS)
            kind, detail = self.pipe.recv() if answered else ("hang", f"no answer within {SECONDS} s")
        except (EOFError, ConnectionError):
            kind, detail = "crash", f"the process ended with {self.process.exitcode}"
        self.slowest = max(self.slowest, time.monotonic() - begin)
        self.outcomes[kind if kind in ("read", "refused") else "failed"] += 1
        if kind in ("hang", "crash"):
            self.stop()
        if kind not in ("read", "refused"):
            raise Failed(kind, detail)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.pipe.send(("warm.csv", b"a,b\n1,2\n"))
        try:
            self.pipe.recv()
        except (EOFError, ConnectionError):
            raise SystemExit("The process that reads could not be started.") from None

    def stop(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def _serve(pipe: Connection) -> None:
    """Reads what comes through the pipe until it is closed."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while True:
            try:
                name, content = pipe.recv()
            except EOFError:
                return
            pipe.send(_outcome(name, content, Path(folder)))


def _outcome(name: str, content: bytes, folder: Path) -> tuple[str, str]:
    try:
        return checked_read(name, content, folder), ""
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.name}: {str(error)[:120]}", "".join(traceback.format_exception(error)[-6:])


def run(minutes: float, first_seed: int, only: list[str], keep: Path | None) -> int:
    """Draws examples until the time is over; gives how many kinds of failures there were."""
    given_samples = {name: content for name, content in samples().items() if not only or any(each in name for each in only)}
    child, failures, until, round_ = Child(), set(), time.monotonic() + 60 * minutes, 0
    while time.monotonic() < until:
        failed = _round(child, given_samples, first_seed + round_, failures, until)
        round_ += 1
        if failed:
            _tell(failed, first_seed + round_ - 1, keep)
        if round_ % 20 == 0:
            print(f"{round_} rounds, {child.outcomes}, slowest {child.slowest:.1f} s", flush=True)
    child.stop()
    print(f"{child.outcomes.total():,} files: {child.outcomes['read']:,} read, {child.outcomes['refused']:,} refused, slowest {child.slowest:.1f} s, {len(failures)} kinds of failures")
    return len(failures)


def _round(child: Child, given_samples: dict[str, bytes], number: int, failures: set[str], until: float) -> tuple[Failed, str, bytes] | None:
    """Some hundred examples. The smallest failing one of a kind that wasn't seen before."""
    found: list[tuple[Failed, str, bytes]] = []

    @seed(number)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=False, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    @given(mutated(given_samples))
    def attempt(file: tuple[str, bytes]) -> None:
        if time.monotonic() > until + 60:
            return
        try:
            child.read(*file)
        except Failed as failure:
            if failure.kind not in failures:
                found.append((failure, *file))
                raise

    try:
        attempt()
    except (Failed, HypothesisException):
        if not found:
            raise
        failures.update(each.kind for each, _, _ in found)
        return min(found, key=lambda each: len(each[2]))
    return None


def _tell(failed: tuple[Failed, str, bytes], number: int, keep: Path | None) -> None:
    failure, name, content = failed
    print(f"\n--- seed {number}: {failure.kind}\n{name}, {len(content)} bytes: {content[:600]!r}\n{failure.detail}", flush=True)
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{number}-{name}").write_bytes(content)


def main() -> int:
    """Runs for the time asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="words in the names of the samples")
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    options = parser.parse_args()
    return 1 if run(options.minutes, options.seed, options.only, options.keep) else 0


if __name__ == "__main__":
    sys.exit(main())
