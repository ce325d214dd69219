"""Switching while Go builds run: how long a switch takes, and whether any build saw two versions.

Each build's program says what it was made with, by three witnesses that come from different
files of a GOROOT: the version that the linker wrote, the GOROOT that the go command told the
linker, and the path of a standard library's source that the compiler wrote. They have to agree.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    extra = {**OFFLINE, "GOCACHE": str(folder / "cache"), **(environment or {})}
    goroot = place or home.current
    started = [
        _Builder(folder / f"builder{number}", goroot, extra, folder) for number in range(builders)
    ]
    for version in (after, before):  # so that no build has to compile the standard library
        switch.use(home, version, place=place)
        with started[0].building(1) as warming:
            warming.wait()
    uses, rollbacks = [], []
    with contextlib.ExitStack() as building:
        for builder in started:
            building.enter_context(builder.building())
        for _ in range(switches // 2):
            uses.append(_timed(lambda: switch.use(home, after, place=place)))
            time.sleep(pause_s)
            rollbacks.append(_timed(lambda: switch.rollback(home, place=place)))
            time.sleep(pause_s)
    facts, notes = _witnessed([build for builder in started for build in builder.builds()], home)
    return Outcome(
        experiment="switch",
        settings={"versions": list(versions), "switches": switches, "builders": builders},
        series={"use": Series(samples=tuple(uses)), "rollback": Series(samples=tuple(rollbacks))},
        facts={"how": how, **facts},
        notes=notes,
    )


def _witnessed(
    builds: Sequence[tuple[int, str]], home: Home
) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """How many builds there were, failed and saw two versions; what the first of these printed."""
    failed = [f"exit code {code}: {printed}" for code, printed in builds if code != 0]
    mixed = [printed for code, printed in builds if code == 0 and not agree(printed, home)]
    counts = {"builds": len(builds), "failed builds": len(failed), "mixed builds": len(mixed)}
    return counts, tuple([*failed, *mixed][:5])


def agree(printed: str, home: Home) -> bool:
    """Whether a program's three witnesses name one and the same installed version."""
    words = printed.split()
    if len(words) != 4:
        return False
    version, root, source, _ = words
    tree = home.tree(version.removeprefix("go"))
    return root == str(tree) and source.startswith(f"{tree}/src/strings/")


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds a small program repeatedly through one path of Go, in a process of its own."""

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
            self._log.open("wb") as out,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, process_group=0
            ) as builder,
        ):
            yield builder

    def builds(self) -> list[tuple[int, str]]:
        """The exit code of each build, and what its program printed, or go."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [(line["code"], line["said"]) for line in lines]

    @property
    def _log(self) -> Path:
        return self.results / f"{self.folder.name}.jsonl"


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
