"""Builds on fresh engines: what the engine of the cold build holds, they have only if restored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lab.caching.explain.causes import Cause
from lab.caching.explain.misses import alike, explain
from lab.caching.explain.model import B, Explanation, MeasuredBuild, StepExplanation
from lab.dockerfile.cachekey import Rules
from lab.model import units
from lab.model.record import Build
from lab.model.remote_cache import AXIS, KEYS_ALONE, NOTHING, SEVERAL, SILENT, WARM

# What engines say of a cache that cannot be read (docker 20.10.24 and 28.5.2), and what it means.
_REASONS = (
    (
        r"connection refused|no route|timed? ?out|no such host|\bEOF\b|not answer",
        "the registry does not answer",
    ),
    (r"not found|unknown", "the registry has no such cache"),
    (
        r"\b40[13]\b|unauthorized|denied|forbidden|no active sessions|no basic auth",
        "the registry refuses access",
    ),
    (r"\b5\d\d\b|Internal Server Error", "the registry fails"),
)


def is_apart(build: Build) -> bool:
    """Whether it was built on an engine of its own, not on that of the cold build."""
    return build.phase.partition(":")[0] == "fresh" and build.cell.get(AXIS) != WARM


def explain_fresh(
    now: MeasuredBuild, cold: Sequence[MeasuredBuild], rules: Rules
) -> Explanation[MeasuredBuild]:
    """Explain it against the cold build whose cache it was given, the only one of ``cold``."""
    whole = _of_all(now.record)
    if whole is not None:
        return alike(now, whole)
    remote = now.record.remote
    strategy, gone = (remote.strategy, remote.blobs_missing or 0) if remote else ("", 0)
    return explain_restored(now, cold, rules, strategy, gone)


def explain_restored(
    now: B, before: Sequence[B], rules: Rules, strategy: str, gone: int = 0
) -> Explanation[B]:
    """Explain a build, measured or predicted, on an engine that was given the cache of ``before``
    by a strategy; ``gone`` are blobs that the registry did not have.
    """
    if strategy == NOTHING:
        return alike(now, Cause(kind="fresh"))
    found = explain(now, before, rules)
    instead = _of_one(strategy, gone)
    asked_for = {
        step.index: step.keyword != "ARG" or rules.restores_arguments for step in now.inputs.steps
    }

    def said(part: StepExplanation) -> StepExplanation:
        cause = instead if asked_for[part.step.index] else Cause(kind="unasked")
        causes = (cause if one.kind == "evicted" else one for one in part.causes)
        return replace(part, causes=tuple(causes))

    return replace(found, steps=tuple(said(part) if part.causes else part for part in found.steps))


def _of_all(build: Build) -> Cause | None:
    """Why nothing at all was restored; None where something was."""
    remote = build.remote
    if remote is None or not remote.restored:
        return Cause(kind="fresh")
    failed = [text for text in remote.failures if text.startswith("import: ")]
    if failed and not (build.cache and build.cache.hits):
        return Cause(kind="import", subject=reason_of(failed[0].removeprefix("import: ")))
    return None


def _of_one(strategy: str, gone: int) -> Cause:
    """Why a step ran that the build before had, and of which nothing has changed."""
    if gone:
        return Cause(kind="gone", subject=units.counted(gone, "time"))
    if strategy in SILENT:
        return Cause(kind="unfound")
    if strategy in SEVERAL:
        return Cause(kind="overlooked", subject=strategy)
    return Cause(kind="layers" if strategy in KEYS_ALONE else "untaken", subject=strategy)


def reason_of(text: str) -> str:
    """What an engine's error means that kept it from reading a cache; the text where unknown."""
    found = (said for pattern, said in _REASONS if re.search(pattern, text, re.IGNORECASE))
    return next(found, text)
