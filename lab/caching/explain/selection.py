"""The builds of a run that are to be explained, by what a user asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lab.caching.explain.from_run import explainable
from lab.model.errors import InputError
from lab.model.record import Build
from lab.results import runs


def select(
    stored: runs.StoredRun,
    *,
    engines: Collection[str] = (),
    build: str | None = None,
    phase: str | None = None,
    step: int | None = None,
) -> list[Build]:
    """The builds of these engines, with this id or a part of it, of this phase; None: of any.

    Raises InputError where none is left, or where none of them has the step.
    """
    if not stored.builds:
        raise runs.without_builds(stored)
    found = list(explainable(stored))
    if not found:
        raise InputError(
            f"no build of run {stored.run.id} has cache inputs",
            remedy="import with --context DIR, the files that each build was made from"
            if stored.run.imported
            else "run the scenario again: this run was made by an older lab, or all was skipped",
        )
    found = _of_engines(found, engines, stored) if engines else found
    found = found if build is None else _named(found, build, stored.run.id)
    found = found if phase is None else _of_phase(found, phase)
    if step is not None and not any(one.index == step for each in found for one in each.steps):
        raise InputError(
            f"there is no step {step}",
            remedy="steps count from 0, the first line of the Dockerfile that is an instruction",
        )
    return found


def _of_engines(
    builds: Sequence[Build], engines: Collection[str], stored: runs.StoredRun
) -> list[Build]:
    found = [one for one in builds if one.cell.get("engine") in engines]
    if not found:
        raise InputError(
            f"run {stored.run.id} has no build of {' or '.join(sorted(engines))}",
            remedy=f"its engines: {', '.join(one.name for one in stored.run.engines)}",
        )
    return found


def _named(builds: Sequence[Build], name: str, run: str) -> list[Build]:
    exact = [one for one in builds if one.id == name]
    found = exact or [one for one in builds if name in one.id]
    if not found:
        raise InputError(
            f"no build of run {run} is named {name!r}",
            remedy=f"one of: {', '.join(one.id for one in builds[:6])}",
        )
    return found


def _of_phase(builds: Sequence[Build], phase: str) -> list[Build]:
    found = [one for one in builds if one.phase == phase]
    if not found:
        raise InputError(
            f"no build was in phase {phase!r}",
            remedy=f"one of: {', '.join(sorted({one.phase for one in builds}))}",
        )
    return found
