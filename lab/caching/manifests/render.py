"""What differs between two contexts, as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.caching.explain import StepExplanation
from lab.caching.manifests.differences import Group, Kind
from lab.caching.manifests.effects import Effect, Effects
from lab.caching.manifests.mends import mend, paths, what
from lab.caching.manifests.model import Manifest, Summary
from lab.dockerfile.instruction_text import short
from lab.model import units
from lab.model.record import HIT_RATE_KEYWORDS
from lab.model.text_wrap import wrapped

SCHEMA = "lab.context-difference/1"
# What engines do not look at, and why.
_UNSEEN: Mapping[Kind, str] = {
    "owners": "Docker's clients send all as root's, and Podman since 5 does not look at them",
    "times": "no engine that the lab knows looks at them",
}
_NAME = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two contexts and their names. ``effects`` is None where no Dockerfile is known."""

    names: tuple[str, str]
    manifests: tuple[Manifest, Manifest]
    groups: tuple[Group, ...]
    effects: Effects | None


def summary_lines(name: str, found: Summary) -> Iterator[str]:
    """What a context holds, in a sentence, and what of it may differ elsewhere."""
    size = f"{_files(found.files)}, {units.size(found.bytes)}"
    yield from wrapped(f"{_upper(name)}: {size}.", hang=0)
    odd = (
        (found.untracked, "git does not track: another machine may not have them"),
        (found.crlf, "with CRLF line ends: another checkout may write LF"),
        (found.pointers, "git-lfs pointers, without the content that they stand for"),
    )
    for count, why in odd:
        if count:
            yield from wrapped(f"  {_files(count)} {why}")
    for pair in found.same_but_case[:4]:
        yield from wrapped(f"  {' and '.join(pair)} are one file where case does not count")


def _files(count: int) -> str:
    return units.counted(count, "file")


def lines(found: Compared) -> Iterator[str]:
    """The answer, then each kind of difference with what it makes miss and what ends it."""
    yield from wrapped(_sentence(found), hang=0)
    seen = _seen(found)
    for number, group in enumerate(found.groups):
        if group not in seen:
            continue
        yield ""
        yield from wrapped(f"  {_upper(what(group, *found.names))}: {paths(group)}")
        if found.effects is not None:
            yield from wrapped(f"    {_effects(found.effects, found.effects.groups[number])}")
        if text := _mend(found, group):
            yield from wrapped(f"    mend: {text}")
    if seen:
        yield ""
    for group in found.groups:
        if group not in seen:
            yield from wrapped(
                f"{_upper(what(group, *found.names))}: {_UNSEEN[group.kind]}", hang=0
            )
    if found.effects is None and seen:
        yield from wrapped("--dockerfile FILE says which instructions that makes miss.", hang=0)


def _mend(found: Compared, group: Group) -> str:
    tracked = {
        path
        for side in found.manifests
        for path, item in side.items.items()
        if item.git in {"tracked", "submodule"}
    }
    return mend(group, tracked, () if found.effects is None else found.effects.copied)


def _seen(found: Compared) -> list[Group]:
    """The groups that count: of owners and times only those that an engine asked for looks at."""
    effects = ((),) * len(found.groups) if found.effects is None else found.effects.groups
    return [
        group
        for group, by_engine in zip(found.groups, effects, strict=True)
        if group.kind not in _UNSEEN or any(effect.missed for effect in by_engine)
    ]


def _sentence(found: Compared) -> str:
    one, other = found.names
    commits = {side.head.commit for side in found.manifests}
    same = len(commits) == 1 and None not in commits
    of = f"of commit {next(iter(commits)) or ''}"[:18] if same else ""
    seen = _seen(found)
    if not seen:
        count = sum(item.type == "file" for item in found.manifests[0].items.values())
        return f"{one} and {other} send the same: {_files(count)} {of}".rstrip() + "."
    start = f"{one} and {other} send different contexts {of}".rstrip()
    if not same and None not in commits:
        start += f" (they are at two commits, {' and '.join(c[:8] for c in commits if c)})"
    if found.effects is None:
        return f"{start}: {what(seen[0], one, other)}."
    if not any(effect.missed for effect in found.effects.whole):
        return f"{start}, but no step of the Dockerfile reads what differs."
    cause, reruns = _first_cause(found, found.effects)
    return f"{start}: {cause}. So with the cache of {one}, {reruns}, of {found.effects.steps}."


def _first_cause(found: Compared, effects: Effects) -> tuple[str, str]:
    """What makes the first step miss, of those that reach the farthest."""
    whole = next(effect for effect in effects.whole if effect.missed)
    first = whole.missed[0].step.index
    blamed = next(
        group
        for group, by_engine in zip(found.groups, effects.groups, strict=True)
        if any(part.step.index == first for effect in by_engine for part in effect.missed)
    )
    return what(blamed, *found.names), _reruns(effects, effects.whole)


def _effects(effects: Effects, by_engine: Sequence[Effect]) -> str:
    if not any(effect.missed for effect in by_engine):
        return "no step reads that"
    return _upper(_reruns(effects, by_engine))


def _reruns(effects: Effects, by_engine: Sequence[Effect]) -> str:
    alike: dict[tuple[int, ...], list[Effect]] = {}
    for effect in by_engine:
        steps = (part.step for part in effect.missed)
        counted = [s.index for s in steps if s.instruction.split()[0] in HIT_RATE_KEYWORDS]
        alike.setdefault(tuple(counted), []).append(effect)
    said = []
    for indexes, which in alike.items():
        names = " and ".join(one.engine[:1].upper() + one.engine[1:] for one in which)
        if not indexes:
            said.append(f"{names} rerun{'s' * (len(which) == 1)} nothing")
            continue
        missed, sure = which[0].missed, which[0].sure
        all_of_them = units.counted(len(missed), "step")
        some = "" if sure == len(missed) else f"{sure} to "
        first = next(part for part in missed if part.step.index == indexes[0])
        said.append(
            f"{names} rerun{'s' * (len(which) == 1)} {some}{all_of_them}, first "
            f"{_short(first)} (line {effects.lines.get(first.step.index, '?')})"
        )
    return "; ".join(said)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(part: StepExplanation) -> str:
    return short(part.step.instruction, _NAME)


def as_json(found: Compared) -> dict[str, Any]:
    """The same for programs."""
    return {
        "schema": SCHEMA,
        "one": {"name": found.names[0], "commit": found.manifests[0].head.commit},
        "other": {"name": found.names[1], "commit": found.manifests[1].head.commit},
        "groups": [
            {
                "kind": group.kind,
                "paths": [one.path for one in group.found],
                "text": what(group, *found.names),
                "mend": _mend(found, group) or None,
                "misses": None
                if found.effects is None
                else {e.engine: _missed(e) for e in found.effects.groups[number]},
            }
            for number, group in enumerate(found.groups)
        ],
        "misses": None
        if found.effects is None
        else {effect.engine: _missed(effect) for effect in found.effects.whole},
    }


def _missed(effect: Effect) -> list[dict[str, Any]]:
    return [
        {"index": part.step.index, "instruction": part.step.instruction} for part in effect.missed
    ]
