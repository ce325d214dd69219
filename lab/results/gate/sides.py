"""The two sides of a gate: what each was measured in, and whether they may be compared at all.

A baseline that is empty, partial, corrupt or of another host is refused: no policy lets it pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError
from lab.model.record import Build, EngineFacts, HostFacts
from lab.results import runs
from lab.results.ab_sides import SIDE
from lab.results.gate import go_files
from lab.results.gate.go_files import MACHINE, Benchmarks, Coverage
from lab.results.gate.policy import ENGINE_FACTS, HOST_FACTS, Policy
from lab.results.runs import RUN_FILE, StoredRun

MEMORY_SLACK = 0.02  # what a kernel keeps for itself differs from boot to boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The baseline or the candidate: at most one run, one benchmark output and one profile."""

    run: StoredRun | None = None
    benchmarks: Benchmarks | None = None
    coverage: Coverage | None = None

    @property
    def builds(self) -> tuple[Build, ...]:
        """The builds of its run, without its warm-up."""
        return self.run.counted if self.run else ()

    @property
    def name(self) -> str:
        """What it was read from."""
        parts = [self.run.run.id if self.run else None]
        parts += [str(one.path) for one in (self.benchmarks, self.coverage) if one]
        return ", ".join(part for part in parts if part)


def read(role: str, refs: Sequence[str], results: Path, beside: Side | None = None) -> Side:
    """Read a side: runs and files by any name a user has for them. A branch or a commit names its
    newest other run of the scenario of the side ``beside``, where that is read already.

    Raises InputError where one cannot be read, or is empty, partial or corrupt.
    """
    other = beside.run.folder if beside and beside.run else None
    found: dict[str, StoredRun | Benchmarks | Coverage] = {}
    for ref in refs:
        one = _read(role, ref, results, other)
        kind = {StoredRun: "run", Benchmarks: "benchmarks", Coverage: "coverage"}[type(one)]
        if kind in found:
            raise InputError(
                f"the {role} names two of the same kind: {ref} is another {kind}",
                remedy=f"name at most one run, one benchmark output and one profile by --{role}",
            )
        found[kind] = one
    return Side(**found)  # type: ignore[arg-type]  # each kind came from its own type


def _read(
    role: str, ref: str, results: Path, beside: Path | None
) -> StoredRun | Benchmarks | Coverage:
    path = Path(ref)
    if not ref:
        raise InputError(f"--{role} names nothing", remedy=f"--{role} RUN|FILE")
    if path.name in {RUN_FILE, runs.BUILDS_FILE} and path.is_file():
        path = path.parent
    elif path.exists() and not path.is_dir():  # a pipe as well: <(go test ...)
        return go_files.read(path)
    elif path.is_dir() and not (path / RUN_FILE).is_file():
        raise InputError(
            f"the {role} {ref} is empty: there is no {RUN_FILE} in it",
            remedy="name a run's folder, its id, or a file that Go's tools wrote",
        )
    stored = runs.read(path if path.is_dir() else _found(role, ref, results, beside))
    if any(SIDE in build.cell for build in stored.builds):
        raise InputError(
            f"the {role} {stored.run.id} is refused: the gate made it itself, of several sides, to "
            "prove or to confirm",
            remedy="name the run that was measured for its own sake",
        )
    why = "; ".join(_unfinished(stored))
    if why:
        raise InputError(
            f"the {role} {stored.run.id} is refused: {why}",
            remedy=f"lab run --resume {stored.folder}, or name a run that is whole",
        )
    return stored


def _found(role: str, ref: str, results: Path, beside: Path | None) -> Path:
    try:
        return runs.find(ref, results, beside=beside)
    except InputError as error:
        raise InputError(
            f"the {role} {ref!r} is no file, and {error}", remedy=error.remedy
        ) from error


def _unfinished(stored: StoredRun) -> Iterator[str]:
    """Why a run is not whole."""
    if not stored.builds:
        yield "it is empty: no build is in it"
        return
    if stored.run.status == "partial":
        yield f"it is partial: {stored.run.reason or 'it stopped before its end'}"
    yield from (f"it is partial: {note}" for note in stored.notes)
    if not any(build.status == "ok" for build in stored.builds):
        yield "none of its builds ended well"
    trials: dict[object, set[str]] = defaultdict(set)
    cells: dict[object, set[int]] = defaultdict(set)
    phases = {build.phase for build in stored.builds}
    for build in stored.builds:
        cell = frozenset(build.cell.items())
        trials[(cell, build.round)].add(build.phase)
        cells[cell].add(build.round)
    holes = sum(len(phases - found) for found in trials.values())
    lines = len({build.id for build in stored.builds})
    holes += len(phases) * sum(len(_rounds(stored) - found) for found in cells.values())
    planned = max(lines + holes, stored.run.builds or 0)
    if planned > lines:
        yield f"it is partial: {planned - lines} of its {planned} builds are not in builds.jsonl"


def _rounds(stored: StoredRun) -> set[int]:
    """The rounds that every cell must have: none where a run was to end when it was decided.

    A run of an earlier lab does not say in its head how many builds it had.
    """
    options = stored.run.options
    early = options.until is not None or stored.run.reason is not None
    return set() if early or options.rounds is None else set(range(1, options.rounds + 1))


def compare(baseline: Side, candidate: Side, policy: Policy) -> tuple[str, ...]:
    """Refuse sides that were not measured alike; give what the reader must know all the same."""
    notes: list[str] = []
    differences = list(_differences(baseline, candidate))
    refused = [text for fact, text in differences if fact not in policy.other]
    if refused:
        raise InputError(
            "the baseline is refused, it was measured elsewhere: " + "; ".join(refused),
            remedy="measure it again on this host; a policy lets a fact differ by allow_other",
        )
    notes += [f"{text} (the policy allows it)" for _, text in differences]
    if baseline.run and candidate.run:
        notes += _scenarios(baseline.run, candidate.run)
    return tuple(notes)


def _scenarios(baseline: StoredRun, candidate: StoredRun) -> Iterator[str]:
    if _identity(baseline) == _identity(candidate):
        raise InputError(
            f"baseline and candidate are the same run {baseline.run.id}",
            remedy="name the run that was measured before the change",
        )
    old, new = baseline.run.scenario, candidate.run.scenario
    if old.name != new.name:
        raise InputError(
            f"the baseline is refused: it ran the scenario {old.name!r}, not {new.name!r}",
            remedy="compare runs of the same scenario",
        )
    if apart := _apart(baseline.builds, candidate.builds):
        raise InputError(
            f"baseline and candidate share no cell, nothing can be judged: {apart}",
            remedy="compare runs that have a cell in common",
        )
    if old.sha256 != new.sha256:
        yield f"the text of scenario {new.name} has changed since the baseline"
    yield (
        "the two runs were not measured in turn: their rounds are compared as two samples, and "
        "what changed on the host between them is in the figures; --confirm measures both in turn"
    )


def _apart(old: Sequence[Build], new: Sequence[Build]) -> str:
    """The axes on which no build of one side is like any of the other; empty: cells are shared."""
    was, now = ({tuple(sorted(one.cell.items())) for one in builds} for builds in (old, new))
    if was & now:
        return ""
    axes = dict.fromkeys(name for one in (*old, *new) for name in one.cell)
    told = []
    for axis in axes:
        before, after = ({one.cell.get(axis, "none") for one in builds} for builds in (old, new))
        if not before & after:
            told.append(f"{axis} was {', '.join(sorted(before))} and is {', '.join(sorted(after))}")
    return "; ".join(told) or "their values are never together"


def _identity(stored: StoredRun) -> tuple[str, str]:
    """What a run is known by wherever its folder lies: ids of different folders may be alike."""
    return stored.run.id, stored.run.started


def _differences(baseline: Side, candidate: Side) -> Iterator[tuple[str, str]]:
    """What host and engine say differently, by the name a policy has for it."""
    if baseline.run and candidate.run:
        old, new = baseline.run.run, candidate.run.run
        yield from _hosts("", old.host, new.host)
        engines = {engine.name: engine for engine in new.engines}
        for engine in old.engines:
            if engine.name in engines:
                yield from _engines(engine, engines[engine.name])
    if baseline.benchmarks and candidate.benchmarks:
        for name in MACHINE:
            was, now = (
                side.machine.get(name) for side in (baseline.benchmarks, candidate.benchmarks)
            )
            # Go names no processor on some machines, but every system and architecture.
            if was != now or (was is None and name != "cpu"):
                yield "cpu_model", f"Go's {name} was {_said(was)} and is {_said(now)}"


def _engines(old: EngineFacts, new: EngineFacts) -> Iterator[tuple[str, str]]:
    for name in ENGINE_FACTS:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield f"engine_{name}", f"{new.name}: {name} was {_said(was)} and is {_said(now)}"
    yield from _hosts(f"{new.name}: ", old.host, new.host)


def _hosts(prefix: str, old: HostFacts, new: HostFacts) -> Iterator[tuple[str, str]]:
    for name in HOST_FACTS:
        was, now = getattr(old, name), getattr(new, name)
        near = (
            name == "memory_bytes"
            and was is not None
            and now is not None
            and abs(was - now) <= MEMORY_SLACK * max(was, now)
        )
        if was != now and not near:
            yield name, f"{prefix}{name} was {_said(was)} and is {_said(now)}"


def _said(value: object) -> str:
    return "unknown" if value is None else str(value)
