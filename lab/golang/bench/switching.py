"""Switching while Go builds run: how long a switch takes, and whether any build saw two versions.

Each build's program says with what it was made, by three witnesses that come from different
files of a GOROOT: the version that the linker wrote, the GOROOT that the go command told the
linker, and the path of a standard library's source that the compiler wrote. They have to agree.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.golang.bench.outcome import Outcome, Series
from lab.golang.goroot import switch
from lab.golang.goroot.home import Home
from lab.model.errors import InputError

PROGRAM = """\
package main

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

const turn = "%s"

func main() {
	file, _ := runtime.FuncForPC(reflect.ValueOf(strings.ToUpper).Pointer()).FileLine(0)
	fmt.Println(runtime.Version(), runtime.GOROOT(), file, turn)
}
"""
_BUILDER = Path(__file__).with_name("switching_builder.py")
OFFLINE = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off"}


def under_builds(
    home: Home,
    versions: tuple[str, str],
    *,
    folder: Path,
    switches: int,
    builders: int = 4,
    pause_s: float = 0.02,
    place: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Switch to and fro between two versions while builders build through the same path.

    ``folder`` is for the builders' modules and Go's cache. ``environment`` is added to theirs.
    """
    if switches < 2 or builders < 1:
        raise InputError(
            "at least two switches and one builder", remedy="raise switches to 2 and builders to 1"
        )
    before, after = versions
    how = switch.use(home, before, place=place)
    seen = place or home.current
    extra = {**OFFLINE, "GOCACHE": str(folder / "cache"), **(environment or {})}
    builds = [
        _Builder(folder / f"builder{number}", seen, extra, folder) for number in range(builders)
    ]
    for version in (after, before):  # so that no build has to compile the standard library
        switch.use(home, version, place=place)
        with builds[0].building(1) as warming:
            warming.wait()
    uses, rollbacks = [], []
    with contextlib.ExitStack() as building:
        for one in builds:
            building.enter_context(one.building())
        for _ in range(switches // 2):
            uses.append(_timed(lambda: switch.use(home, after, place=place)))
            time.sleep(pause_s)
            rollbacks.append(_timed(lambda: switch.rollback(home, place=place)))
            time.sleep(pause_s)
    told = [line for one in builds for line in one.told()]
    failed = [f"exit code {code}: {said}" for code, said in told if code != 0]
    mixed = [said for code, said in told if code == 0 and not agree(said, home)]
    return Outcome(
        experiment="switch",
        settings={"versions": list(versions), "switches": switches, "builders": builders},
        series={"use": Series(samples=tuple(uses)), "rollback": Series(samples=tuple(rollbacks))},
        facts={
            "how": how,
            "builds": len(told),
            "failed builds": len(failed),
            "mixed builds": len(mixed),
        },
        notes=tuple([*failed, *mixed][:5]),
    )


def agree(said: str, home: Home) -> bool:
    """Whether a program's three witnesses name one and the same installed version."""
    words = said.split()
    if len(words) != 4:
        return False
    version, root, source, _ = words
    tree = home.tree(version.removeprefix("go"))
    return root == str(tree) and source.startswith(f"{tree}/src/strings/")


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds a small program again and again through one path of Go, in a process of its own."""

    folder: Path
    goroot: Path
    environment: Mapping[str, str]
    results: Path

    @contextlib.contextmanager
    def building(self, builds: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Build so many times, or until this ends; then the build under way is waited for."""
        plan = {
            "name": self.folder.name,
            "folder": str(self.folder),
            "goroot": str(self.goroot),
            "environment": json.dumps(dict(self.environment)),
            "program": PROGRAM,
            "builds": builds,
        }
        command = [sys.executable, str(_BUILDER), json.dumps(plan)]
        with (
            self._told.open("wb") as out,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, process_group=0
            ) as builder,
        ):
            yield builder

    def told(self) -> list[tuple[int, str]]:
        """The exit code of each build, and what its program said, or go."""
        lines = [json.loads(line) for line in self._told.read_text().splitlines()]
        return [(line["code"], line["said"]) for line in lines]

    @property
    def _told(self) -> Path:
        return self.results / f"{self.folder.name}.jsonl"


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
