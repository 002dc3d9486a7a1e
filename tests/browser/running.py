"""A running installation for browser tests: portal, worker and sandbox, each a process of its own on its own port and data folder."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ingest.settings import PROJECT

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
NOT_OURS = {
    "empty-table-header": "Streamlit's grid is a canvas; the table it keeps for screen readers has an empty header over the column of row marks",
    "aria-prohibited-attr": "Streamlit names containers that have no role, such as the one around a chart",
    "scrollable-region-focusable": "Streamlit's grid scrolls inside a region of its own; the grid in it takes the focus",
}
"""Rules of axe that Streamlit's own parts break, each with the reason why it isn't ours to mend."""

FADED_IN = "Promise.allSettled(document.getAnimations().filter((each) => each.effect.getComputedTiming().iterations !== Infinity).map((each) => each.finished)).then(() => null)"


def inaccessible(page: object) -> list[str]:
    """What axe finds on a page that is ours to mend, once nothing fades in any more: half-faded text has too little contrast."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(FADED_IN)
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found if each["id"] not in NOT_OURS for node in each["nodes"]]


class Portal:
    """The three processes; each can be stopped, killed and started again."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home, self.port, self.sandbox_port = home, free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"INTAKE_HOME": str(home), "INTAKE_PORTAL_PORT": str(self.port), "INTAKE_SANDBOX_PORT": str(self.sandbox_port), **settings}
        self.environment = {**{name: value for name, value in os.environ.items() if not name.startswith("INTAKE_")}, **own}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Starts these processes and waits until they can be asked."""
        commands = {
            "sandbox": ["-m", "ingest", "sandbox", "--sample-customers", "--port", str(self.sandbox_port)],  # as make run starts it
            "worker": ["-m", "ingest", "worker"],
            "portal": ["-m", "uvicorn", "server:app", "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"],
        }
        for name in names:
            with self._output(name).open("wb") as output:
                self.running[name] = subprocess.Popen([sys.executable, *commands[name]], cwd=PROJECT, env=self.environment, stdout=output, stderr=output)
        ports = {"sandbox": self.sandbox_port, "portal": self.port}
        until(lambda: all(self._lives(name) and listening(ports[name]) for name in names if name in ports))

    def _output(self, name: str) -> Path:
        return self.home.with_name(f"{name}.txt")

    def _lives(self, name: str) -> bool:
        """True; raises with what the process said where it has ended."""
        if self.running[name].poll() is not None:
            raise RuntimeError(f"The {name} ended: {self._output(name).read_text(errors='replace')[-2000:]}")
        return True

    def stop(self, *names: str) -> None:
        """Asks these processes to end, and waits."""
        for name in names:
            if process := self.running.pop(name, None):
                process.terminate()
                process.wait(30)

    def kill(self, name: str) -> None:
        """Ends a process as a power cut would."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        """Ends whatever still runs."""
        self.stop(*list(self.running))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listening(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it didn't happen in time")
        time.sleep(0.05)
