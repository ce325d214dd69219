"""Predictions as findings at the lines of the Dockerfile. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab.caching.explain.model import Explanation, StepExplanation
from lab.caching.predict.cache_simulator import Prediction
from lab.caching.predict.compare_builds import PredictedEdit
from lab.caching.predict.limits import failing
from lab.dockerfile.cachekey import CacheInputs
from lab.dockerfile.edits import Inputs
from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import parse
from lab.engines import features
from lab.model import units
from lab.model.finding import Finding


def findings(
    given: Inputs,
    inputs: CacheInputs,
    engines: Sequence[tuple[str, str]],
    edits: Iterable[PredictedEdit],
    place: str,
) -> Iterator[Finding]:
    """Errors: what would end the build on every engine that was asked; warnings: on some, and
    hits that are not safe; notes: what each edit would run again.

    ``place`` is the Dockerfile as the reader knows it.
    """
    parsed = parse(given.dockerfile, given.build_args)
    spans = {one.index: (one.line, one.end) for one in parsed.instructions}
    for one in failing(inputs, engines):
        line, end = spans.get(one.index, (1, 1))
        yield Finding(
            rule="missing-source",
            level="error" if one.everywhere else "warning",
            place=place,
            line=line,
            end_line=end,
            message=f"{one.text} {one.why}",
        )
    yield from _lacking(parsed, engines, place)
    for edit in edits:
        yield from rebuilt(
            f"after an edit of {edit.edit}" if edit.edit else "built again",
            edit.by_engine,
            spans,
            place,
        )


def _lacking(
    parsed: Dockerfile, engines: Sequence[tuple[str, str]], place: str
) -> Iterator[Finding]:
    """What engines cannot build, the engine itself saying so with a line."""
    lacks = [features.lacks(name, told, parsed, session=True) for name, told in engines]
    for why in dict.fromkeys(why for found in lacks for why in found):
        told = re.fullmatch(r"line (\d+): (.*)", why, re.DOTALL)
        yield Finding(
            rule="cannot-build",
            level="error" if all(lacks) else "warning",
            place=place,
            line=int(told[1]) if told else 1,
            message=told[2] if told else why,
        )


def rebuilt(
    when: str,
    by_engine: Sequence[Explanation[Prediction]],
    spans: Mapping[int, tuple[int, int]],
    place: str,
) -> Iterator[Finding]:
    """The steps that would run for causes of their own, engines that agree in one; and those that
    would be taken from the cache although what they read has changed.

    ``spans`` are the first and last lines of the instructions.
    """
    said: dict[tuple[int, bool, str], list[str]] = {}
    for one in by_engine:
        for part in one.steps:
            if part.causes or part.unsafe:
                key = (part.step.index, bool(part.unsafe), _said(one, part))
                said.setdefault(key, []).append(one.build.engine)
    for (index, unsafe, text), engines in said.items():
        line, end = spans.get(index, (1, 1))
        yield Finding(
            rule="unsafe-hit" if unsafe else "rebuilt",
            level="warning" if unsafe else "note",
            place=place,
            line=line,
            end_line=end,
            message=f"{when}, {' and '.join(engines)}: {text}",
        )


def _said(one: Explanation[Prediction], part: StepExplanation) -> str:
    if part.unsafe:
        return part.text
    following = len(one.knock_ons(part.step.index))
    more = f"; {units.counted(following, 'step')} below it would run too" if following else ""
    return f"would run again, {part.text}{more}"
