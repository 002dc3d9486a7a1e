"""What the portal's memory does while 1 GB is uploaded, and how other requests fare meanwhile: `python -m benchmarks.upload_memory`.

The baseline is writing the same bytes to the same disk, in the same run. Asked for: at most 100 MB more than before the upload.
"""

import hashlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

SIZE = int(os.environ.get("BENCH_MB", "1024")) * 1024**2
SLICE = 8 * 1024**2
LIMIT_MB = 100
BLOCK = os.urandom(1024**2)


def memory(pid: int) -> float:
    """Megabytes that a process and all its children hold."""
    total = 0
    for process in (pid, *_children(pid)):
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except FileNotFoundError:
            continue
        total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return total / 1024


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


class Watch(threading.Thread):
    """Looks ten times a second how much memory the portal holds, and how long another request takes."""

    def __init__(self, pid: int, address: str) -> None:
        super().__init__(daemon=True)
        self.pid, self.address, self.stop = pid, address, threading.Event()
        self.peak, self.answers = 0.0, []

    def run(self) -> None:
        with httpx.Client(base_url=self.address, trust_env=False) as client:
            while not self.stop.wait(0.1):
                self.peak = max(self.peak, memory(self.pid))
                began = time.perf_counter()
                client.get("/_stcore/health")
                self.answers.append(time.perf_counter() - began)


def upload(address: str) -> str:
    """Sends the file in slices, as the page's component does."""
    from ingest import upload

    upload_id, ticket = upload.mint("bench")
    with httpx.Client(base_url=address, headers={"X-Upload-Ticket": ticket, "Origin": address}, trust_env=False, timeout=120) as client:
        for offset in range(0, SIZE, SLICE):
            length = min(SLICE, SIZE - offset)
            body = (BLOCK * (length // len(BLOCK) + 1))[:length]
            client.put(f"/api/uploads/{upload_id}?offset={offset}", content=body).raise_for_status()
        client.post(f"/api/uploads/{upload_id}/complete", json={"name": "large.csv", "size": SIZE}).raise_for_status()
    return upload_id


def baseline(folder: Path) -> float:
    """Seconds to write the same bytes, sync them and hash them."""
    began = time.perf_counter()
    digest, path = hashlib.sha256(), folder / "baseline"
    with path.open("wb") as stream:
        for _ in range(SIZE // len(BLOCK)):
            stream.write(BLOCK)
            digest.update(BLOCK)
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()
    return time.perf_counter() - began


def main() -> int:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        os.environ["INTAKE_HOME"] = folder
        address = f"http://127.0.0.1:{port}"
        server = subprocess.Popen([sys.executable, "-m", "uvicorn", "server:app", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"])
        try:
            _wait(address)
            before, written = memory(server.pid), baseline(Path(folder))
            watch = Watch(server.pid, address)
            watch.start()
            began = time.perf_counter()
            upload(address)
            seconds = time.perf_counter() - began
            watch.stop.set()
            watch.join()
        finally:
            server.terminate()
            server.wait()
    grown = watch.peak - before
    print(f"{SIZE // 1024**2:,} MB in slices of {SLICE // 1024**2} MB\n{'':52}{'seconds':>9}{'ratio':>7}")
    print(f"{'write, sync and hash the same bytes (baseline)':52}{written:9.2f}{1:7.1f}")
    print(f"{'upload, sync and hash through the portal':52}{seconds:9.2f}{seconds / written:7.1f}")
    print(f"memory of the portal and its query processes: {before:.0f} MB before, {watch.peak:.0f} MB at most: {grown:.0f} MB more (demanded: at most {LIMIT_MB})")
    print(f"other requests meanwhile: median {statistics.median(watch.answers) * 1000:.0f} ms, slowest {max(watch.answers) * 1000:.0f} ms")
    return 0 if grown <= LIMIT_MB else 1


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/_stcore/health", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError("the portal didn't start")


if __name__ == "__main__":
    sys.exit(main())
