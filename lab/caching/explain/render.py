"""Explanations as lines of text, as JSON, and engines side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lab.caching.explain.misses import Explained, Explanation
from lab.caching.explain.rules_table import looks
from lab.dockerfile.cachekey import rules
from lab.model import cell_names, units
from lab.model.events import Outcome
from lab.model.record import EngineFacts
from lab.model.text_wrap import wrapped


def as_text(
    one: Explanation, step: int | None = None, *, predicted: bool = False, indent: str = ""
) -> Iterator[str]:
    """A build's causes, each with what follows from it and what it cost."""
    hits = sum(part.step.outcome is Outcome.HIT for part in one.steps)
    ran = sum(bool(part.causes or part.follows) for part in one.steps)
    against = f"against {one.against}" if one.against else "nothing to compare with"
    said = f"{ran} would run, {hits} from the cache"
    if not predicted:
        said = f"{units.counted(ran, 'step')} ran, {hits} from the cache ({against})"
    yield from wrapped(f"{indent}{one.build.id}: {said}")
    for part in one.steps:
        if step is not None and part.step.index != step:
            continue
        if part.causes:
            yield from wrapped(f"{indent}  {_name(part)}: {part.text}")
            yield from _follow(one, part, indent)
        elif part.unsafe:
            yield from wrapped(f"{indent}  {_name(part)}: {part.text}")
        elif step is not None:
            yield from wrapped(f"{indent}  {_name(part)}: {_otherwise(one, part)}")


def _follow(one: Explanation, part: Explained, indent: str) -> Iterator[str]:
    following = one.knock_ons(part.step.index)
    cost = one.seconds.get(part.step.index) if part.step.duration_s is not None else None
    said = [f"cost {units.seconds(cost)}"] if cost is not None else []
    if following:
        names = ", ".join(_name(other, 24) for other in following[:3])
        more = f" and {len(following) - 3} more" if len(following) > 3 else ""
        said.append(f"{len(following)} followed: {names}{more}")
    if said:
        yield from wrapped(f"{indent}      {'; '.join(said)}")


def _otherwise(one: Explanation, part: Explained) -> str:
    if part.follows:
        causes = [other for other in one.steps if other.step.index in part.follows]
        return "knock-on of " + "; ".join(f"{_name(other, 24)} ({other.text})" for other in causes)
    return f"{part.step.outcome or 'not told by this engine'}"


def _name(part: Explained, length: int = 46) -> str:
    text = " ".join(part.step.instruction.split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


def as_json(one: Explanation, step: int | None = None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "build": one.build.id,
        "phase": one.build.phase,
        "engine": one.build.cell.get("engine"),
        "against": one.against,
        "steps": [
            {
                "index": part.step.index,
                "instruction": part.step.instruction,
                "outcome": part.step.outcome,
                "text": part.text,
                "causes": [asdict(cause) for cause in part.causes],
                "follows": list(part.follows),
                "unsafe": [asdict(cause) for cause in part.unsafe],
                "cost_s": one.seconds.get(part.step.index),
            }
            for part in one.steps
            if step is None or part.step.index == step
        ],
    }


def side_by_side(found: Sequence[Explanation], engines: Sequence[EngineFacts]) -> Iterator[str]:
    """The same edit on the same Dockerfile, engine by engine; then what each engine looks at."""
    groups: dict[tuple[Any, ...], dict[str, Explanation]] = {}
    for one in found:
        cell = dict(one.build.cell)
        engine = cell.pop("engine", "")
        groups.setdefault((one.build.round, *sorted(cell.items())), {})[engine] = one
    for key, by_engine in groups.items():
        name = cell_names.short(dict(key[1:]))
        yield f"{next(iter(by_engine.values())).build.phase} · {name} · round {key[0]}"
        yield from _group(by_engine)
    names: Mapping[str, str] = {engine.name: engine.version for engine in engines}
    yield from looks([rules(name, version) for name, version in names.items()])


def _group(by_engine: Mapping[str, Explanation]) -> Iterator[str]:
    first = next(iter(by_engine.values()))
    for place, part in enumerate(first.steps):
        told = {name: one.steps[place] for name, one in by_engine.items() if place < len(one.steps)}
        if all(
            other.step.outcome in {None, Outcome.HIT} and not other.unsafe
            for other in told.values()
        ):
            continue
        yield from wrapped(f"  {_name(part, 70)}")
        for name, other in told.items():
            yield from wrapped(f"      {name}: {other.step.outcome or '-'}  {other.text}")
