"""Caches of fresh engines held to random values: what hit, what was foretold, what bytes passed.

Run: ``python -m benchmarks.fresh_truth [--engine NAME] [--cache STRATEGY] [--project NAME]``, each
repeatable; by default every strategy that each of ENGINES can do, each project, each edit. A build
on an engine that built nothing restores the cache of a cold one: a step is a hit exactly where its
value is that of the cold build. Bytes are compared with the registry's own access log (down), and
with the files that then lie in its storage (up).
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from benchmarks.fresh_projects import EDITS, PROJECTS, base
from lab.caching.predict.compare_builds import compare
from lab.engines import remote_caches
from lab.engines.registry import Registry, start_registry
from lab.model.events import Outcome
from lab.model.remote_cache import STAYING, STRATEGIES
from tests.fresh_builds import Builds, Built, Project, ran

ENGINES = ("docker", "docker@28", "docker@28/containerd", "podman", "podman@5.8")
_ANSWER = re.compile(r'"(GET|HEAD) \S+ HTTP/[0-9.]+" \d{3} (\d+)')


@dataclass(slots=True)
class Seen:
    """Steps and bytes of some builds; what was wrong of them in words."""

    builds: int = 0
    steps: int = 0
    foretold: int = 0
    assumed: int = 0
    wrong: list[str] = field(default_factory=list)
    misforetold: list[str] = field(default_factory=list)
    off: list[float] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Take up what another showed."""
        self.builds += other.builds
        self.steps += other.steps
        self.foretold += other.foretold
        self.assumed += other.assumed
        self.wrong += other.wrong
        self.misforetold += other.misforetold
        self.off += other.off

    def row(self, *names: str) -> str:
        """A line of the table."""
        off = f"{100 * max(self.off):.2f} %" if self.off else "-"
        right = self.steps - len(self.wrong)
        good = self.foretold - len(self.misforetold)
        return (
            f"| {' | '.join(names)} | {self.builds} | {right} of {self.steps} | "
            f"{good} of {self.foretold} | {self.assumed} | {off} |"
        )


class Log:
    """What the registry itself wrote down: bytes of its answers since the last call."""

    def __init__(self, registry: Registry) -> None:
        self._path, self._place = registry.log.path, 0

    def down(self) -> int:
        data = self._path.read_bytes()
        new, self._place = data[self._place :], len(data)
        found = _ANSWER.findall(new.decode(errors="replace"))
        return sum(int(size) for method, size in found if method == "GET")


def stored(registry: Registry) -> int:
    """Bytes of all blobs and manifests in the registry's storage."""
    places = (registry.data / "docker/registry/v2/blobs").rglob("data")
    return sum(place.stat().st_size for place in places)


def judged(cold: Built, after: Built, before: Project, edited: Project, where: str) -> Seen:
    """One fresh build, by the values of its image and by what was foretold."""
    seen = Seen(builds=1)
    if after.outcome.status != "ok" or (after.remote and after.remote.failures):
        seen.wrong.append(f"{where}: {after.outcome.reason} {after.remote}")
        return seen
    strategy, told = where.split()[1], ran(after)
    for step, value in after.values.items():
        truth = Outcome.HIT if cold.values[step] == value else Outcome.MISS
        seen.steps += 1
        # A stage of which nothing was needed is not told of: all of it hit.
        if told[step] is not truth and not (told[step] is None and truth is Outcome.HIT):
            seen.wrong.append(f"{where}: {step} was {truth}, told as {told[step]}")
    foretold = compare(before.inputs(), edited.inputs(), after.rules, strategy).build
    for one in after.outcome.steps:
        if not one.counted:
            continue
        seen.foretold += 1
        said = foretold.outcomes[one.index]
        seen.assumed += one.index in foretold.assumed
        if said is not one.outcome:
            text = f"{where}: {one.instruction[:40]}: foretold {said}, was {one.outcome}"
            seen.misforetold.append(text)
    return seen


def measure(builds: Builds, log: Log, name: str, strategy: str, which: str) -> Seen:
    """A project by a strategy on an engine, cold and after each edit."""
    before, seen = PROJECTS[which], Seen()
    held = stored(builds.registry)
    cold = builds.build(name, strategy, before, save=which)
    where = f"{name} {strategy} {which}"
    if cold.outcome.status != "ok" or cold.remote is None or cold.remote.failures:
        seen.wrong.append(f"{where}: {cold.outcome.reason} {cold.remote}")
        return seen
    if cold.remote.up_bytes is not None and strategy != "local":
        came = stored(builds.registry) - held
        seen.off.append(abs(cold.remote.up_bytes - came) / came)
    for edit, made in EDITS.items():
        log.down()
        after = builds.build(name, strategy, made(before), restore=which)
        seen.add(judged(cold, after, before, made(before), f"{where} {edit}"))
        logged = log.down()
        if after.remote and after.remote.down_bytes is not None and logged > 1_000_000:
            seen.off.append(abs(after.remote.down_bytes - logged) / logged)
    return seen


def combinations(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Engines, each with what it can do."""
    for name, strategy in product(options.engine or ENGINES, options.cache or STRATEGIES):
        able = not remote_caches.lacks(name, "", strategy, containerd=None)
        if able and strategy not in STAYING:
            yield name, strategy


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table; 1 where anything was wrong."""
    about = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.fresh_truth")
    for option, known in (("engine", None), ("cache", STRATEGIES), ("project", tuple(PROJECTS))):
        about.add_argument(f"--{option}", action="append", choices=known)
    options = about.parse_args(argv)
    total = Seen()
    with tempfile.TemporaryDirectory(prefix="lab-fresh-") as folder:
        tiny = base(Path(folder))
        for name, strategy in combinations(options):
            seen = Seen()
            for which in options.project or PROJECTS:
                # Else what two projects have in common is sent twice, and kept once.
                with start_registry(lambda _: None) as registry:
                    builds = Builds(registry=registry, base=tiny, folder=Path(folder) / name)
                    seen.add(measure(builds, Log(registry), name, strategy, which))
            total.add(seen)
            print(seen.row(name, strategy), flush=True)
            print("\n".join([*seen.wrong, *seen.misforetold]) or "", file=sys.stderr, flush=True)
    print(total.row("all", ""))
    return 1 if total.wrong or total.misforetold else 0


if __name__ == "__main__":
    sys.exit(main())
