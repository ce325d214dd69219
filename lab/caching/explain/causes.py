"""Why a step cannot be the one that was built before: causes, from two builds' cache inputs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lab.caching.explain.alignment import Alignment, align
from lab.caching.explain.chosen_stages import Changed, arguments, first_needed
from lab.dockerfile.cachekey import CacheInputs, Rules, StepFacts, facets
from lab.dockerfile.cachekey.inputs import FileFacts, Steps
from lab.dockerfile.cachekey.rules import ORDER_OF_ENV, linked, of_text, previous
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.cachekey.variables import assignments, names

Kind = Literal[
    "file", "text", "env", "arg", "base", "image", "setting", "added", "removed", "order", "never",
    "cold", "evicted", "unknown", "fresh", "import", "layers", "untaken", "unfound", "gone",
    "unasked", "overlooked",
]  # fmt: skip
_FILE = re.compile(r"^file (.*) (content|mode|owner|time)$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that changed.

    ``subject`` is what: a path, a variable, an instruction. ``aspect`` of a file: content, mode,
    owner, time, added, removed. None where there was, or is, nothing.
    """

    kind: Kind
    subject: str = ""
    aspect: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two builds compared by an engine's rules: each new step's own causes, by its index.

    ``same`` are the new steps of which nothing differs, whoever looks at it.
    """

    own: Mapping[int, tuple[Cause, ...]]
    alignment: Alignment
    same: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """How much differs: the nearest earlier build is the one where this is least."""
        return len({cause for found in self.own.values() for cause in found})


def difference(old: CacheInputs, new: CacheInputs, rules: Rules) -> Difference:
    """What of each step differs by itself; what only follows from a step before is left out."""
    alignment = align(old, new)
    if old is new:
        return Difference(own={}, alignment=alignment, same=frozenset(alignment.old_of))
    changed = _changed(old.files, new.files)
    both = _Both(
        old=old,
        new=new,
        olds=old.by_index,
        news=new.by_index,
        alignment=alignment,
        rules=rules,
        touched=_touched(new, changed),
        old_part=_part(old, changed),
        new_part=_part(new, changed),
    )
    same = frozenset(_same(both))
    alike: Container[int] = same if alignment.in_place else ()
    needed = first_needed(old, new, both.olds, alignment.old_of, rules)
    own = {}
    for step in new.steps:
        chosen_by = _arguments(needed.get(step.index, ()))
        if step.index in alike or not linked(step, rules):
            continue
        found = tuple(dict.fromkeys((*_causes(both, step, same), *chosen_by)))
        if found:
            own[step.index] = found
    return Difference(own=own, alignment=alignment, same=same)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """Two builds' cache inputs with their steps, and which step of one is which of the other.

    ``touched`` are the new steps that read what of the context is not the same in both, and the
    parts are the cache inputs as if the context held nothing else.
    """

    old: CacheInputs
    new: CacheInputs
    olds: Steps
    news: Steps
    alignment: Alignment
    rules: Rules
    touched: frozenset[int]
    old_part: CacheInputs
    new_part: CacheInputs


def _changed(was: Mapping[str, FileFacts], now: Mapping[str, FileFacts]) -> Mapping[str, FileFacts]:
    """The entries that differ. Most are one object in both: see how FileFacts are read."""
    if was == now:
        return {}
    gone = {path: facts for path, facts in was.items() if path not in now}
    return gone | {
        path: facts
        for path, facts in now.items()
        if (before := was.get(path)) is not facts and before != facts
    }


def _same(both: _Both) -> Iterator[int]:
    old, new = both.old, both.new
    if (old.platform, old.ignore, old.dockerfile) != (new.platform, new.ignore, new.dockerfile):
        return
    for step in new.steps:
        before = both.olds.get(both.alignment.old_of.get(step.index, -1))
        if step.same_as(before) and step.index not in both.touched:
            yield step.index


def _touched(new: CacheInputs, changed: Mapping[str, FileFacts]) -> frozenset[int]:
    if not changed:
        return frozenset()
    return frozenset(
        step.index
        for step in new.steps
        if (step.sources or step.mounts) and chosen(changed, (*step.sources, *step.mounts))
    )


def _part(whole: CacheInputs, changed: Mapping[str, FileFacts]) -> CacheInputs:
    if not changed:
        return whole  # nobody will ask
    return replace(whole, files={one: whole.files[one] for one in changed if one in whole.files})


def _causes(both: _Both, step: StepFacts, same: Container[int]) -> Iterator[Cause]:
    alignment = both.alignment
    if step.index not in alignment.old_of:
        yield from _instruction(step, None)
        return
    before = both.olds[alignment.old_of[step.index]]
    if step.index in alignment.moved:
        yield Cause(kind="order", subject=step.text)
    elif not alignment.in_place:
        yield from _place(both, step, before)
    if step.index in same:
        return
    if (before.sources, before.mounts) != (step.sources, step.mounts) or (
        both.old.ignore != both.new.ignore
    ):
        was, now = facets(both.old, before, both.rules), facets(both.new, step, both.rules)
    elif step.index in both.touched:  # what both read alike need not be compared file by file
        was, now = (
            facets(both.old_part, before, both.rules),
            facets(both.new_part, step, both.rules),
        )
    else:
        was, now = of_text(both.old, before, both.rules), of_text(both.new, step, both.rules)
    changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    changed = _without_folders(_without_derived(changed, before, step), was, now)
    for name in changed:
        yield from _facet(name, was.get(name), now.get(name), before, step)


def _place(both: _Both, step: StepFacts, before: StepFacts) -> Iterator[Cause]:
    """What stood before the step and is gone. What is new before it has a cause of its own."""
    olds, alignment = both.olds, both.alignment
    stood, stands = previous(olds, before, both.rules), previous(both.news, step, both.rules)
    if stood is None or alignment.old_of.get(stands if stands is not None else -1) == stood:
        return
    kept = set(alignment.old_of.values())
    moved = {alignment.old_of[one] for one in alignment.moved}
    at: int | None = stood
    while at is not None and (at not in kept or at in moved):
        one = olds[at]
        if at in moved:
            yield Cause(kind="order", subject=one.text)
        else:
            yield from _instruction(None, one)
        at = previous(olds, one, both.rules)
    if step.keyword == "FROM" and stands is not None and stood in kept:
        chosen_by = list(_arguments(arguments(before, step)))
        moved_base = Cause(kind="base", before=before.text, after=step.text)
        yield from chosen_by if chosen_by and before.text == step.text else [moved_base]


def _arguments(changed: Iterable[Changed]) -> Iterator[Cause]:
    for name, was, now in changed:
        yield Cause(kind="arg", subject=name, before=was, after=now)


def _instruction(now: StepFacts | None, was: StepFacts | None) -> Iterator[Cause]:
    """An instruction that came or went: of a variable's, the variable is the news."""
    step = now or was
    if step is None:
        return
    if step.keyword in {"ENV", "ARG"}:
        kind: Kind = "env" if step.keyword == "ENV" else "arg"
        for name, raw in assignments(step.text.partition(" ")[2], bare=step.keyword == "ARG"):
            one = step.variables.get(name)
            value = raw if step.keyword == "ENV" or one is None else one.value
            value = "" if value is None else value
            yield Cause(
                kind=kind,
                subject=name,
                before=None if was is None else value,
                after=None if now is None else value,
            )
        return
    yield Cause(kind="added" if now is not None else "removed", subject=step.text)


def _facet(
    name: str, was: str | None, now: str | None, before: StepFacts, step: StepFacts
) -> Iterator[Cause]:
    if match := _FILE.match(name):
        yield from _file(match[1], match[2], was, now)
    elif name == "text" and step.keyword in {"ENV", "ARG"}:
        yield from _assigned(before, step)
    elif name == "text":
        yield Cause(kind="text", subject=step.keyword, before=before.text, after=step.text)
    elif name.startswith(("ENV ", "ARG ")):
        kind, _, subject = name.partition(" ")
        yield Cause(kind="env" if kind == "ENV" else "arg", subject=subject, before=was, after=now)
    elif name.startswith("base "):
        yield Cause(kind="base", before=was, after=now)
    elif name.startswith("image "):
        yield Cause(kind="image", subject=" ".join(step.images), before=was, after=now)
    else:
        yield Cause(kind="setting", subject=name, before=was, after=now)


def _file(path: str, aspect: str, was: str | None, now: str | None) -> Iterator[Cause]:
    if was is None or now is None:
        # of a file that came or went, its content (of a folder, its mode) stands for the whole
        whole = "added" if was is None else "removed"
        yield Cause(kind="file", subject=path, aspect=whole)
        return
    shown = aspect != "content"
    yield Cause(
        kind="file",
        subject=path,
        aspect=aspect,
        before=was if shown else None,
        after=now if shown else None,
    )


def _assigned(before: StepFacts, step: StepFacts) -> Iterator[Cause]:
    bare = step.keyword == "ARG"
    was = dict(assignments(before.text.partition(" ")[2], bare=bare))
    now = dict(assignments(step.text.partition(" ")[2], bare=bare))
    changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    for name in changed:
        yield Cause(
            kind="arg" if bare else "env", subject=name, before=was.get(name), after=now.get(name)
        )
    if not changed:  # the same values in another order or with other quotes: still another text
        yield Cause(kind="text", subject=step.keyword, before=before.text, after=step.text)


def _without_folders(
    changed: list[str], was: Mapping[str, str], now: Mapping[str, str]
) -> list[str]:
    """Leave out a folder that came or went with what lies in it: its files are the news."""
    gone_or_new = {name for name in changed if (name in was) != (name in now)}

    def stands_for_files(name: str) -> bool:
        folder = name.removesuffix(" mode")
        return any(other.startswith(f"{folder}/") for other in gone_or_new)

    return [
        name
        for name in changed
        if not (name in gone_or_new and name.endswith(" mode") and stands_for_files(name))
    ]


def _without_derived(changed: list[str], before: StepFacts, step: StepFacts) -> list[str]:
    """Leave out a variable whose own text is the same: what it is made of is the cause."""
    moved = {name.partition(" ")[2] for name in changed if name.startswith(("ENV ", "ARG "))}
    changed = [name for name in changed if name != ORDER_OF_ENV or not moved]

    def derived(name: str) -> bool:
        variable = name.partition(" ")[2]
        was, now = before.variables.get(variable), step.variables.get(variable)
        same = was is not None and now is not None and (was.raw, was.kind) == (now.raw, now.kind)
        return same and now is not None and bool(set(names(now.raw)) & (moved - {variable}))

    return [name for name in changed if not (name[:4] in {"ENV ", "ARG "} and derived(name))]
