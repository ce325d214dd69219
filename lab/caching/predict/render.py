"""Predictions as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lab.caching.explain import Explanation
from lab.caching.explain.render import hits, ran, step_lines, steps_as_json
from lab.caching.predict.cache_simulator import Prediction
from lab.caching.predict.compare_builds import PredictedEdit
from lab.model.text_wrap import wrapped

NO_EDIT = "no edit"


def edit_lines(edits: Iterable[PredictedEdit]) -> Iterator[str]:
    """Edit by edit, engine by engine."""
    for one in edits:
        yield from wrapped(f"edit {one.edit}" if one.edit else "built again without an edit")
        for path in one.new:
            yield from wrapped(f"  {path} is not in the context: it would be a new file")
        for path in one.kept_back:
            yield f"  {path} is not sent: the ignore file keeps it back"
        for explanation in one.by_engine:
            yield from lines(explanation, indent="  ")


def lines(one: Explanation[Prediction], *, indent: str = "") -> Iterator[str]:
    """What one engine would run, and why."""
    counted = f"{ran(one)} would run, {hits(one)} from the cache"
    yield from wrapped(f"{indent}{one.build.engine}: {counted}")
    yield from step_lines(one, indent=indent)


def edits_as_json(edits: Iterable[PredictedEdit]) -> dict[str, Any]:
    """The same for programs, by edit."""
    return {one.edit or NO_EDIT: [as_json(found) for found in one.by_engine] for one in edits}


def as_json(one: Explanation[Prediction]) -> dict[str, Any]:
    """The same for programs. A prediction has no phase: the keys are those of a measured build."""
    engine = one.build.engine
    return {
        "build": engine,
        "phase": engine,
        "engine": engine,
        "against": "cold",
        "steps": steps_as_json(one),
    }
