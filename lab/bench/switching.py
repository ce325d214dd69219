"""Switching while Go builds run: how long a switch takes, and whether any build saw two versions.

Each build's program says with what it was made, by three witnesses that come from different
files of a GOROOT: the version that the linker wrote, the GOROOT that the go command told the
linker, and the path of a standard library's source that the compiler wrote. They have to agree.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import process
from lab.bench.outcome import Outcome, Series
from lab.errors import InputError
from lab.goroot import switch
from lab.goroot.home import Home

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
OFFLINE = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off"}


@dataclass(slots=True)
class _Tally:
    """What the builders saw, each under the lock."""

    builds: int = 0
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


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
        raise InputError("at least two switches and one builder")
    before, after = versions
    how = switch.use(home, before, place=place)
    seen = place or home.current
    extra = {**OFFLINE, "GOCACHE": str(folder / "cache"), **(environment or {})}
    builds = [
        _Builder(home, seen, folder / f"builder{number}", extra) for number in range(builders)
    ]
    for version in (after, before):  # so that no build has to compile the standard library
        switch.use(home, version, place=place)
        builds[0].once("warm")
    tally, done = _Tally(), threading.Event()
    threads = [threading.Thread(target=one.until, args=(done, tally)) for one in builds]
    for thread in threads:
        thread.start()
    try:
        uses, rollbacks = [], []
        for _ in range(switches // 2):
            uses.append(_timed(lambda: switch.use(home, after, place=place)))
            time.sleep(pause_s)
            rollbacks.append(_timed(lambda: switch.rollback(home, place=place)))
            time.sleep(pause_s)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return Outcome(
        experiment="switch",
        settings={"versions": list(versions), "switches": switches, "builders": builders},
        series={"use": Series(samples=tuple(uses)), "rollback": Series(samples=tuple(rollbacks))},
        facts={
            "how": how,
            "builds": tally.builds,
            "failed builds": len(tally.failed),
            "mixed builds": len(tally.mixed),
        },
        notes=tuple([*tally.failed, *tally.mixed][:5]),
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
    """Builds a small program again and again through one path of Go."""

    home: Home
    goroot: Path
    folder: Path
    environment: Mapping[str, str]

    def once(self, turn: str) -> str:
        """Build the program anew and run it; what it says."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "go.mod").write_text("module lab.example/turn\n\ngo 1.21\n")
        (self.folder / "main.go").write_text(PROGRAM % turn)
        program = self.folder / "turn"
        command: list[process.Argument] = [self.goroot / "bin/go", "build", "-o", program, "."]
        done = process.run(
            command, folder=self.folder, environment=self.environment, codes=range(-64, 256)
        )
        if done.code != 0:
            return f"exit code {done.code}: {process.tail(done.err, 3)}"
        return process.run([program]).out.strip()

    def until(self, done: threading.Event, tally: _Tally) -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            said = self.once(str(turn))
            with tally.lock:
                tally.builds += 1
                if said.startswith("exit code"):
                    tally.failed.append(said)
                elif not agree(said, self.home):
                    tally.mixed.append(said)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
