"""The lab as its user meets it: the real command line, in a process and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from lab.host.paths import cache_dir
from lab.host.process import found
from lab.images.sources.base_images import base
from lab.images.sources.types import BaseSource
from tests.fleets import CLIENTS, LAB, ROOT


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with scenarios in it and a cache that shares the user's bases, not its engines."""

    folder: Path
    environment: dict[str, str]

    @property
    def cache(self) -> Path:
        return Path(self.environment["LAB_CACHE"])

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def scenario(self, dockerfile: str, engine: str = "docker", **fields: object) -> str:
        """A scenario with a Dockerfile of one's own on bookworm; its file's name."""
        self.write("own/Dockerfile", f"ARG BASE\nFROM $BASE\n{dockerfile}")
        said: dict[str, object] = {
            "name": "tried",
            "engines": [engine],
            "bases": ["bookworm"],
            "workload": {"context": "own", "dockerfile": "Dockerfile"},
            "phases": ["cold", "rebuild"],
            "rounds": 1,
        }
        self.write("tried.yaml", json.dumps(said | fields))
        return "tried.yaml"

    def lab(self, *words: str, **environment: str) -> Ended:
        """Run a verb to its end. A traceback is a failure whatever the test is about."""
        with self.start(*words, **environment) as process:
            out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a verb in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            [*LAB, *words],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def interrupted(self, *words: str, by: signal.Signals, times: int = 1) -> Ended:
        """Start a run and send it signals while its first build is under way."""
        with self.start(*words) as process:
            self.wait_for(lambda: any(self.folder.glob("results/*/events/*")))
            for _ in range(times):
                os.killpg(process.pid, by)
                time.sleep(0.1)
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)

    def wait_for(self, happened: Callable[[], object], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.05)

    def daemons(self) -> list[int]:
        """The processes that work with this desk's engines."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.cache / "engines").encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def left(self) -> list[str]:
        """What a run left: processes, folders of engines, mounts."""
        mounts = Path("/proc/mounts").read_text(errors="replace").splitlines()
        return [
            *map(str, self.daemons()),
            *map(str, (self.cache / "engines").glob("*")),
            *(line for line in mounts if str(self.cache) in line),
        ]

    def head(self) -> dict[str, Any]:
        """run.json of the only run."""
        (path,) = self.folder.glob("results/*/run.json")
        head: dict[str, Any] = json.loads(path.read_text())
        return head

    def builds(self) -> list[dict[str, Any]]:
        """builds.jsonl of the only run."""
        (path,) = self.folder.glob("results/*/builds.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]


def desk_in(folder: Path) -> Desk:
    """A desk in an empty folder."""
    place, cache = folder / "desk", folder / "cache"
    place.mkdir()
    cache.mkdir()
    bases = cache_dir() / "bases"
    bases.mkdir(parents=True, exist_ok=True)
    (cache / "bases").symlink_to(bases)
    environment = {name: value for name, value in os.environ.items() if name not in CLIENTS}
    return Desk(place, environment | {"LAB_CACHE": str(cache), "PYTHONPATH": str(ROOT)})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = desk_in(tmp_path)
    yield made
    for pid in made.daemons():  # of a test that failed
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def bookworm() -> None:
    """A real base in the cache, so that no test's clock counts its bootstrap."""
    base(BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None), say=print)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = found("chromium")
    assert path is not None, "no chromium: lab doctor --install --tests"
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        yield made
        made.close()
