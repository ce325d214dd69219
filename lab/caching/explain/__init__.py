"""Why steps were not cached: builds explained from their manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from lab.caching.explain.cause_text import words
from lab.caching.explain.causes import Cause, Difference, difference
from lab.caching.explain.misses import Explained, Explanation, Known, explain
from lab.caching.explain.render import as_json, as_text, side_by_side
from lab.dockerfile.cachekey import CacheInputs, rules
from lab.results import runs

__all__ = [
    "Cause",
    "Difference",
    "Explained",
    "Explanation",
    "Known",
    "as_json",
    "as_text",
    "causes",
    "difference",
    "explain",
    "explanations",
    "side_by_side",
    "words",
]


def explanations(stored: runs.StoredRun) -> dict[str, Explanation]:
    """Every build of a run that has a manifest, explained, by its id."""
    return {one.build.id: one for one in _explained(stored)}


def _explained(stored: runs.StoredRun) -> Iterator[Explanation]:
    """One by one: of a run of many builds, all of them together are not small.

    The earlier builds of a cell are those of the same axis values that ended before it.
    """

    @lru_cache(maxsize=256)  # cold builds and rebuilds have the same again
    def read(place: str) -> CacheInputs:
        return runs.manifest(stored.folder / place)

    versions = {engine.name: engine.version for engine in stored.run.engines}
    earlier: dict[tuple[tuple[str, str], ...], list[Known]] = {}
    for build in stored.builds:
        if build.manifest is None:
            continue  # it was skipped, or made by an older lab
        manifest = read(build.manifest)
        before = earlier.setdefault(tuple(sorted(build.cell.items())), [])
        engine = build.cell.get("engine", "")
        if build.phase == "cold":
            del before[:-1]  # what came before is forgotten: that there was something is enough
        known = Known(build=build, manifest=manifest)
        yield explain(known, before, rules(engine, versions.get(engine, "")))
        before.append(known)


def causes(stored: runs.StoredRun) -> dict[str, Mapping[int, str]]:
    """For reports: build id -> step index -> why that step ran, in words."""
    return {
        explanation.build.id: {one.step.index: one.text for one in explanation.steps if one.text}
        for explanation in _explained(stored)
    }
