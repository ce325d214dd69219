"""Faults of a fleet by a seed, outside CI: what a run has on disk after each.

    python -m tests.chaos.fleet --faults 50 --seed 1 [--longest 60] [--only NUMBER]

Each fault is made of the seed and its number alone, and befalls a run of its own over two workers,
in network namespaces on one bridge. Its home is begun anew until the run is complete. Then each
build is on disk once, and each other record of it says that it was lost. Prints a line a fault;
exits with 1 where that does not hold, or where something is left on a host.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fleets import CLIENTS, LAB, ROOT, Fleet
from tests.wires import Wires

WORKERS = ("one", "two")
KINDS = ("kill", "stop", "cut", "full")
WHOM = {
    "kill": (*WORKERS, "builder", "scheduler", "home"),
    "stop": (*WORKERS, "scheduler", "home"),
    "cut": (*WORKERS, "scheduler", "home"),
    "full": ("home",),
}
ROUNDS = 4
HOMES = 8  # of one run, at most


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to whom, ``after`` seconds from the run's first record, for ``lasts`` s."""

    kind: str
    whom: str
    after: float
    lasts: float

    @classmethod
    def of(cls, seed: int, number: int, longest: float) -> Fault:
        """The one of this number; of every four in a row each is of another kind."""
        drawn = random.Random(f"{seed} {number}")
        kind = KINDS[number % len(KINDS)]
        whom = drawn.choice(WHOM[kind])
        return cls(kind, whom, drawn.uniform(0, 2), min(longest, 60 ** drawn.random()))


@dataclass(slots=True)
class Stage:
    """A fleet, and the small disk of its home."""

    fleet: Fleet
    wires: Wires
    folder: Path
    home: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Stage]:
        """All of it; it ends with the block."""
        desk = folder / "desk"
        desk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(desk)]
        subprocess.run(mount, check=True)
        try:
            with Wires.open(("scheduler", *WORKERS, "home")) as wires:
                with Fleet.open(folder, WORKERS, wires=wires) as fleet:
                    yield cls(fleet, wires, desk)
                left = [*processes(folder)]
                assert not left, f"left on a host: {left}"
        finally:
            subprocess.run(["umount", "-l", str(desk)], check=True)

    def begin(self, *words: str) -> None:
        """A home: of a new run, or of one that goes on."""
        with (self.folder.parent / "home.log").open("ab") as log:
            self.home = subprocess.Popen(
                [*self.wires.within("home"), *LAB, "run", *words, *self.fleet.words, "--quiet"],
                cwd=self.folder,
                env={one: text for one, text in os.environ.items() if one not in CLIENTS}
                | {"PYTHONPATH": str(ROOT), "LAB_CACHE": str(self.folder.parent / "home")},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def builds(self, run: str = "*") -> list[dict[str, Any]]:
        """The records that are on disk, but for a torn last line."""
        lines = [
            line
            for path in self.folder.glob(f"results/{run}/builds.jsonl")
            for line in path.read_bytes().split(b"\n")[:-1]
        ]
        return [json.loads(line) for line in lines]

    def complete(self, run: str) -> bool:
        """Whether the run is, when its home has ended."""
        assert self.home is not None
        self.home.wait(timeout=240)
        head = json.loads((self.folder / "results" / run / "run.json").read_text())
        return bool(head["status"] == "complete")

    def put(self, fault: Fault) -> None:
        """Let it happen, and pass."""
        if fault.kind == "cut":
            self.wires.cut(fault.whom)
            time.sleep(fault.lasts)
            self.wires.cut(fault.whom, whole=True)
        elif fault.kind == "full":
            fill = self.folder / "fill"
            with fill.open("wb", buffering=0) as file:
                while _written(file.write, bytes(4096)):
                    pass
            time.sleep(fault.lasts)
            fill.unlink()
        elif fault.kind == "stop":
            pid = self._pid(fault.whom)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(fault.lasts)
            os.kill(pid, signal.SIGCONT)
        elif fault.whom == "builder":
            for pid in self.fleet.builders().values():
                os.kill(pid, signal.SIGKILL)
        elif fault.whom == "home":
            assert self.home is not None
            self.home.kill()
            self.home.wait()
        else:
            self.fleet.kill(fault.whom)
            time.sleep(fault.lasts / 4)
            if fault.whom == "scheduler":
                self.fleet.start("scheduler", "scheduler")
            else:
                self.fleet.worker(fault.whom)

    def _pid(self, whom: str) -> int:
        member = self.home if whom == "home" else self.fleet.members[whom]
        assert member is not None
        return member.pid


def _written(write: Callable[[bytes], int | None], data: bytes) -> bool:
    try:
        return bool(write(data))
    except OSError:
        return False


def processes(folder: Path) -> Iterator[str]:
    """What still runs of the fleet in ``folder``."""
    marked = f"LAB_CACHE={folder}/".encode()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if marked in (path / "environ").read_bytes():
                yield (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            pass  # it has ended


def befall(stage: Stage, fault: Fault) -> str:
    """A run that the fault befalls; what became of its builds, in words. Raises AssertionError."""
    known = {path.name for path in stage.folder.glob("results/*")}
    scenario(stage.folder)
    stage.begin("tried.yaml")
    lines = "results/*/builds.jsonl"
    (name,) = wait_for(lambda: {one.parent.name for one in stage.folder.glob(lines)} - known)
    wait_for(lambda: stage.builds(name))
    time.sleep(fault.after)
    stage.put(fault)
    homes = 1
    while not stage.complete(name):
        homes += 1
        assert homes <= HOMES, f"{name} was not complete after {HOMES} homes"
        stage.begin("--resume", name)
    builds = stage.builds(name)
    told = Counter((one["round"], one["cell"]["A"]) for one in builds if one["status"] == "ok")
    planned = {(round_, cell): 1 for round_ in range(1, ROUNDS + 1) for cell in ("0", "1")}
    assert told == planned, f"not once each: {told}"
    others = [one for one in builds if one["status"] != "ok"]
    assert {one["status"] for one in others} <= {"engine-lost"}, others
    begun = [(one["id"], one["attempt"]) for one in builds]
    assert len(begun) == len(set(begun)), f"an attempt has two records: {begun}"
    shutil.rmtree(stage.folder / "results" / name)  # the disk is small
    return f"{len(builds)} records, {len(others)} lost, {homes} homes"


def scenario(folder: Path) -> None:
    """Two cells, four rounds, half a second a build."""
    (folder / "own").mkdir(exist_ok=True)
    (folder / "own/Dockerfile").write_text(
        "ARG BASE\nFROM $BASE\nARG A\nRUN sleep 0.4 && echo $A\n"
    )
    asked = {
        "name": "tried",
        "engines": ["simulated"],
        "bases": ["bookworm"],
        "axes": {"A": ["0", "1"]},
        "workload": {"context": "own", "dockerfile": "Dockerfile"},
        "phases": ["cold"],
        "rounds": ROUNDS,
    }
    (folder / "tried.yaml").write_text(json.dumps(asked))


def wait_for(happened: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def main() -> int:
    """As many faults as are asked for; 1 where one of them lost something."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--faults", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--longest", type=float, default=60)
    options.add_argument("--only", type=int)
    asked = options.parse_args()
    numbers = range(asked.faults) if asked.only is None else [asked.only]
    broken = 0
    with tempfile.TemporaryDirectory() as made, Stage.open(Path(made)) as stage:
        for number in numbers:
            fault = Fault.of(asked.seed, number, asked.longest)
            begun = time.monotonic()
            try:
                became = befall(stage, fault)
            except AssertionError as error:
                became, broken = f"BROKEN: {error}", broken + 1
            taken = time.monotonic() - begun
            sys.stdout.write(f"{number}: {fault}: {became} ({taken:.0f} s)\n")
            sys.stdout.flush()
    sys.stdout.write(f"{broken} of {len(numbers)} broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
