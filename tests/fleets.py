"""A fleet as its user has it: each member a process of the real command line, over TLS."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.wires import Wires

ROOT = Path(__file__).parents[1]
# As a terminal starts it: what runs in the background of a shell ignores Ctrl-C, and so would
# all that it starts.
LAB = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from lab.cli.main import main; main()",
]
CLIENTS = {"DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT", "LAB_CACHE"}
SIMULATED = ("--engine", "simulated", "--pace", "1")


@dataclass(slots=True)
class Fleet:
    """Its members' processes by name, in ``folder``; each has a cache of its own there."""

    folder: Path
    port: int
    wires: Wires | None = None  # each member in a namespace of its name
    members: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(
        cls,
        folder: Path,
        workers: Sequence[str],
        words: Sequence[str] = SIMULATED,
        wires: Wires | None = None,
    ) -> Iterator[Fleet]:
        """A scheduler and workers, which end with the block."""
        made = [*LAB, "fleet", "certificates", "keys"]
        subprocess.run(made, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        fleet = cls(folder, port, wires)
        try:
            fleet.start("scheduler", "scheduler")
            for name in workers:
                fleet.worker(name, *words)
            yield fleet
        finally:
            fleet.end()

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.wires is None else self.wires.address("scheduler")
        return f"{host}:{self.port}"

    @property
    def words(self) -> tuple[str, ...]:
        """How a run names the fleet."""
        return "--fleet", self.address, "--certificates", str(self.folder / "keys/home")

    def start(self, name: str, part: str, *words: str) -> None:
        """Start a member, and wait until it says where it is."""
        log = self.folder / f"{name}.log"
        with log.open("a") as file:
            at = file.tell()
            self.members[name] = subprocess.Popen(
                [
                    *([] if self.wires is None else self.wires.within(name)),
                    *(*LAB, "fleet", part, self.address, "--certificates", f"keys/{part}"),
                    *words,
                ],
                cwd=self.folder,
                env={one: text for one, text in os.environ.items() if one not in CLIENTS}
                | {"LAB_CACHE": str(self.folder / name), "PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=file,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not (found := re.search(r"(?<=tls://)\S+", log.read_text()[at:])):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.addresses[name] = found[0]

    def worker(self, name: str, *words: str) -> None:
        """Start a worker that has its site by its name."""
        self.start(name, "worker", "--name", name, "--site", f"site-{name}", *(words or SIMULATED))

    def joins(self, name: str) -> int:
        """How often a member has said where it is."""
        return len(re.findall(r"tls://", (self.folder / f"{name}.log").read_text()))

    def builders(self) -> Mapping[str, int]:
        """The builders that run, by their workers' names."""
        found = {}
        for name, one in self.members.items():
            children = Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split()
            for child in children:
                if b"lab.runner.fleet.builder" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found[name] = int(child)
        return found

    def kill(self, name: str) -> None:
        """As an outage does: without a word."""
        self.members[name].kill()
        self.members.pop(name).wait()

    def end(self) -> None:
        """As Ctrl-C does, of those that are stopped too."""
        for one in self.members.values():
            one.send_signal(signal.SIGCONT)
            one.terminate()
        for one in self.members.values():
            one.wait(timeout=60)
