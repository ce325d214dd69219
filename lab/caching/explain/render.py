"""Explanations as lines of text, as JSON, and engines side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lab.caching.explain.model import B, Explanation, MeasuredBuild, StepExplanation
from lab.caching.explain.rules_table import rules_table
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.instruction_text import short
from lab.model import cell_names, units
from lab.model.events import Outcome
from lab.model.record import EngineFacts
from lab.model.text_wrap import wrapped


def lines(one: Explanation[MeasuredBuild], step: int | None = None) -> Iterator[str]:
    """A build's causes, each with its knock-on misses and what it cost."""
    against = f"against {one.against.record.id}" if one.against else "nothing to compare with"
    counted = f"{units.counted(ran(one), 'step')} ran, {hits(one)} from the cache ({against})"
    yield from wrapped(f"{one.build.record.id}: {counted}")
    yield from step_lines(one, step)


def hits(one: Explanation[B]) -> int:
    """How many steps came from the cache."""
    return sum(part.step.outcome is Outcome.HIT for part in one.steps)


def ran(one: Explanation[B]) -> int:
    """How many steps ran, for causes of their own or of others."""
    return sum(bool(part.causes or part.roots) for part in one.steps)


def step_lines(one: Explanation[B], step: int | None = None, *, indent: str = "") -> Iterator[str]:
    """The steps with causes of their own; or the one of this number, whatever became of it."""
    for part in one.steps:
        if step is not None and part.step.index != step:
            continue
        if part.causes:
            yield from wrapped(f"{indent}  {_name(part)}: {part.text}")
            yield from _knock_ons(one, part, indent)
        elif part.unsafe:
            yield from wrapped(f"{indent}  {_name(part)}: {part.text}")
        elif step is not None:
            yield from wrapped(f"{indent}  {_name(part)}: {_otherwise(one, part)}")


def _knock_ons(one: Explanation[B], part: StepExplanation, indent: str) -> Iterator[str]:
    following = one.knock_ons(part.step.index)
    cost = one.seconds.get(part.step.index) if part.step.duration_s is not None else None
    said = [f"cost {units.seconds(cost)}"] if cost is not None else []
    if following:
        names = ", ".join(_name(other, 24) for other in following[:3])
        more = f" and {len(following) - 3} more" if len(following) > 3 else ""
        said.append(f"{len(following)} followed: {names}{more}")
    if said:
        yield from wrapped(f"{indent}      {'; '.join(said)}")


def _otherwise(one: Explanation[B], part: StepExplanation) -> str:
    if part.roots:
        causes = [other for other in one.steps if other.step.index in part.roots]
        return "knock-on of " + "; ".join(f"{_name(other, 24)} ({other.text})" for other in causes)
    return f"{part.step.outcome or 'not reported by this engine'}"


def _name(part: StepExplanation, length: int = 46) -> str:
    return short(part.step.instruction, length)


def as_json(one: Explanation[MeasuredBuild], step: int | None = None) -> dict[str, Any]:
    """The same for programs."""
    record = one.build.record
    return {
        "build": record.id,
        "phase": record.phase,
        "engine": record.cell.get("engine"),
        "against": one.against.record.id if one.against else None,
        "steps": steps_as_json(one, step),
    }


def steps_as_json(one: Explanation[B], step: int | None = None) -> list[dict[str, Any]]:
    """The steps for programs."""
    return [
        {
            "index": part.step.index,
            "instruction": part.step.instruction,
            "outcome": part.step.outcome,
            "text": part.text,
            "causes": [asdict(cause) for cause in part.causes],
            "follows": list(part.roots),
            "unsafe": [asdict(cause) for cause in part.unsafe],
            "cost_s": one.seconds.get(part.step.index),
        }
        for part in one.steps
        if step is None or part.step.index == step
    ]


def side_by_side(
    found: Sequence[Explanation[MeasuredBuild]], engines: Sequence[EngineFacts]
) -> Iterator[str]:
    """The same edit on the same Dockerfile, engine by engine; then what is in each one's keys."""
    versions = {engine.name: engine.version for engine in engines}
    groups: dict[tuple[Any, ...], dict[str, Explanation[MeasuredBuild]]] = {}
    for one in found:
        cell = dict(one.build.record.cell)
        engine = cell.pop("engine", "")
        groups.setdefault((one.build.record.round, *sorted(cell.items())), {})[engine] = one
    for key, by_engine in groups.items():
        name = cell_names.short(dict(key[1:]))
        phase = next(iter(by_engine.values())).build.record.phase
        yield " · ".join(filter(None, (phase, name, f"round {key[0]}")))
        yield from _group(by_engine, [name for name in versions if name in by_engine])
    yield from rules_table({name: archive_rules(name, told) for name, told in versions.items()})


def _group(
    by_engine: Mapping[str, Explanation[MeasuredBuild]], names: Sequence[str]
) -> Iterator[str]:
    first = next(iter(by_engine.values()))
    for place, part in enumerate(first.steps):
        steps = [(name, by_engine[name].steps[place:]) for name in names]
        same = [(name, rest[0]) for name, rest in steps if rest]
        if all(one.step.outcome in {None, Outcome.HIT} and not one.unsafe for _, one in same):
            continue
        yield from wrapped(f"  {_name(part, 70)}")
        for name, one in same:
            yield from wrapped(f"      {name}: {one.step.outcome or '-'}  {one.text}")
