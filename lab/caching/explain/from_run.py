"""The builds of a stored run explained."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import lru_cache

from lab.caching.explain.fresh_causes import explain_fresh, is_apart
from lab.caching.explain.misses import explain
from lab.caching.explain.model import Explanation, MeasuredBuild
from lab.dockerfile.cachekey import CacheInputs, archive_rules
from lab.model.record import Build
from lab.results import runs


def explanations(
    stored: runs.StoredRun, wanted: Container[str] | None = None
) -> Iterator[Explanation[MeasuredBuild]]:
    """The builds that have cache inputs, or those of the ``wanted`` ids.

    One by one: of a run of many builds, all of them together are not small. The earlier builds of
    a cell are those of the same axis values that ended before it; of one on an engine of its own,
    the one alone whose cache it was given.
    """

    @lru_cache(maxsize=256)  # cold builds and rebuilds have the same ones
    def read(place: str) -> CacheInputs:
        return runs.manifest(stored.folder / place)

    told = {engine.name: (engine.version, engine.storage) for engine in stored.run.engines}
    earlier: dict[tuple[tuple[str, str], ...], list[MeasuredBuild]] = {}
    apart: dict[tuple[tuple[str, str], ...], list[MeasuredBuild]] = {}
    for build in explainable(stored):
        before = earlier.setdefault(tuple(sorted(build.cell.items())), [])
        engine = build.cell.get("engine", "")
        now = MeasuredBuild(record=build, inputs=read(build.manifest or ""))
        fresh = apart.setdefault(tuple(sorted(build.cell.items())), [])
        if now.cold:
            fresh.clear()
            del before[:-1]  # what came before is forgotten: that there was something is enough
        if wanted is None or build.id in wanted:
            rules = archive_rules(engine, *told.get(engine, ()))
            if is_apart(build):
                yield explain_fresh(now, _restored(build, before, fresh), rules)
            else:
                yield explain(now, before, rules)
        (fresh if is_apart(build) else before).append(now)


def _restored(
    build: Build, before: list[MeasuredBuild], fresh: list[MeasuredBuild]
) -> list[MeasuredBuild]:
    """The build whose cache this one was given; the cold one where its record does not say."""
    source = build.remote.source if build.remote else None
    named = [one for one in fresh if one.record.phase == source]
    return named[-1:] or [one for one in before if one.cold]


def explainable(stored: runs.StoredRun) -> Iterator[Build]:
    """The builds with cache inputs: others were skipped, or made by an older lab."""
    return (build for build in stored.builds if build.manifest is not None)


def causes(stored: runs.StoredRun) -> dict[str, Mapping[int, str]]:
    """For reports: build id -> step index -> why that step ran, in words."""
    return {
        found.build.record.id: {one.step.index: one.text for one in found.steps if one.text}
        for found in explanations(stored)
    }
