"""Which instructions a difference between two contexts makes miss, engine by engine. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.caching.explain import Explanation, StepExplanation
from lab.caching.manifests.differences import Difference, Group
from lab.caching.manifests.model import Item, Manifest
from lab.caching.predict import Prediction
from lab.caching.predict.compare_builds import compare
from lab.dockerfile.cachekey import CacheInputs, FileFacts, Rules, client_rules, of_files
from lab.dockerfile.model import Dockerfile
from lab.model.events import Outcome

_CONTENT = frozenset({"pointers", "line-ends", "content"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a group, or all of them together, makes miss on one engine; ``sure`` of them whatever
    comes out of the stages that steps copy from.
    """

    engine: str
    missed: tuple[StepExplanation, ...] = ()
    sure: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """By group, in the order of the groups, and of all together; ``lines`` of the Dockerfile.
    ``copied`` are the patterns that steps name, but for the whole context.
    """

    groups: tuple[tuple[Effect, ...], ...]
    whole: tuple[Effect, ...]
    steps: int
    lines: Mapping[int, int]
    copied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A Dockerfile as it is built from a context."""

    dockerfile: Dockerfile
    build_args: Mapping[str, str]
    target: str | None
    engines: Sequence[tuple[str, str]]


def effects(one: Manifest, groups: Sequence[Group], built: Built) -> Effects:
    """Each group's differences alone, made after a build of ``one``."""
    paths = {found.path for group in groups for found in group.found}
    # What does not differ counts on neither side: to leave it out makes large contexts small.
    base = {path: item for path, item in one.items.items() if path in paths}
    by_group = [
        tuple(_effect(base, group.found, one, built, *engine) for engine in built.engines)
        for group in groups
    ]
    every = [found for group in groups for found in group.found]
    whole = tuple(_effect(base, every, one, built, *engine) for engine in built.engines)
    return Effects(
        groups=tuple(by_group),
        whole=whole,
        steps=_reported(_inputs(base, one, built), built),
        copied=frozenset(_named(_inputs(base, one, built))),
        lines={step.index: step.line for step in built.dockerfile.instructions},
    )


def _named(inputs: CacheInputs) -> Iterator[str]:
    for step in inputs.steps:
        if inputs.stages[step.stage].needed:
            yield from (one for one in (*step.sources, *step.mounts) if one != ".")


def _effect(
    base: Mapping[str, Item],
    changed: Sequence[Difference],
    one: Manifest,
    built: Built,
    engine: str,
    version: str,
) -> Effect:
    rules = client_rules(engine, version)
    kinds = {found.kind for found in changed}
    if (rules.mtime or kinds - {"times"}) and (rules.owner or kinds - {"owners", "times"}):
        return _missed(engine, base, changed, one, built, rules)
    return Effect(engine=engine)  # of large contexts: what nobody looks at


def _missed(
    engine: str,
    base: Mapping[str, Item],
    changed: Sequence[Difference],
    one: Manifest,
    built: Built,
    rules: Rules,
) -> Effect:
    after = dict(base)
    for found in changed:
        _change(after, found)
    explained = compare(_inputs(base, one, built), _inputs(after, one, built), rules)
    missed = tuple(part for part in explained.steps if part.step.outcome is Outcome.MISS)
    assumed = explained.build.assumed
    sure = sum(part.step.index not in assumed for part in missed)
    return Effect(engine=engine, missed=missed, sure=sure)


def _change(items: dict[str, Item], found: Difference) -> None:
    """Make this one thing as the other side has it, and leave the rest of the entry alone."""
    there, other = items.get(found.path), found.other
    if other is None:
        items.pop(found.path, None)
    elif there is None or there.type != other.type:
        items[found.path] = other
    elif found.kind in _CONTENT:
        items[found.path] = replace(there, sha256=other.sha256)
    elif found.kind == "links":
        items[found.path] = replace(there, target=other.target)
    elif found.kind in {"executable", "umask"}:
        items[found.path] = replace(there, mode=other.mode)
    elif found.kind == "owners":
        items[found.path] = replace(there, uid=other.uid, gid=other.gid)
    elif found.kind == "times":
        items[found.path] = replace(there, mtime=other.mtime)
    elif found.kind == "git":  # no two of them are alike
        items[found.path] = replace(there, sha256="another")


def _inputs(items: Mapping[str, Item], one: Manifest, built: Built) -> CacheInputs:
    return of_files(
        built.dockerfile,
        {path: _facts(item) for path, item in items.items()},
        dockerfile_path=one.head.dockerfile,
        build_args=built.build_args,
        target=built.target,
        ignore=one.head.ignore,
    )


def _facts(item: Item) -> FileFacts:
    link = item.type == "link"
    return FileFacts(
        kind="file" if item.type == "git" else item.type,
        content=(item.target if link else item.sha256) or "",
        mode=0o777 if link else int(item.mode, 8),
        owner=f"{item.uid}:{item.gid}",
        mtime=item.mtime,
    )


def _reported(inputs: CacheInputs, built: Built) -> int:
    """How many steps the first engine tells an outcome of."""
    rules = client_rules(*built.engines[0])
    told: Explanation[Prediction] = compare(inputs, inputs, rules)
    return sum(part.step.outcome in {Outcome.HIT, Outcome.MISS} for part in told.steps)
