"""What a job on a fresh engine takes beside its steps, by strategy: out of a run's builds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.caching.measured.step_times import Spread, counted
from lab.model.events import Outcome
from lab.model.record import Build
from lab.model.remote_cache import AXIS, DAY_AXIS, WELL
from lab.results.fresh_jobs import FRESH, job_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Of one job: its seconds without those of the steps that ran, as ``costs`` price them, and
    bytes from and to the registry; None where nothing was moved.

    Steps of stages that are built side by side make it less than it is: what is predicted of a job
    with it is right for jobs like those that were measured.
    """

    seconds: Spread
    down_bytes: Spread | None = None
    up_bytes: Spread | None = None


def fresh_builds(builds: Iterable[Build], engine: str) -> list[Build]:
    """An engine's jobs on fresh machines that ended well, while the registry was well."""
    return [
        one
        for one in builds
        if one.cell.get("engine") == engine
        and not one.warm_up
        and one.status == "ok"
        and one.phase.partition(":")[0] == FRESH
        and one.cell.get(DAY_AXIS, WELL) == WELL
    ]


def overheads(
    builds: Iterable[Build], engine: str, costs: Mapping[str, float]
) -> dict[str, Overhead]:
    """Of each strategy that the run built fresh engines with, those after an edit where it has
    any: what an unchanged job fetches is no job's.
    """
    fresh: dict[str, list[Build]] = {}
    for build in fresh_builds(builds, engine):
        fresh.setdefault(build.cell.get(AXIS, ""), []).append(build)
    found = {}
    for strategy, those in fresh.items():
        edited = [one for one in those if one.phase != FRESH] or those
        used = counted(edited)
        found[strategy] = Overhead(
            seconds=Spread.of([job_s(one) - _steps_s(one, costs) for one in used]),
            down_bytes=_bytes([one.remote.down_bytes for one in used if one.remote]),
            up_bytes=_bytes([one.remote.up_bytes for one in used if one.remote]),
        )
    return found


def _steps_s(build: Build, costs: Mapping[str, float]) -> float:
    texts = (
        " ".join(step.instruction.split()) for step in build.steps if step.outcome is Outcome.MISS
    )
    return sum(costs.get(text, 0.0) for text in texts)


def _bytes(found: Sequence[int | None]) -> Spread | None:
    known = [float(one) for one in found if one is not None]
    return Spread.of(known) if known else None
