"""What advice offers for public Dockerfiles, built: the same files, and fewer steps that run."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.corpus import stub
from benchmarks.corpus.foretold import TAG, Unbuildable, Yard, sent, yard
from benchmarks.corpus.image_files import image_files
from benchmarks.corpus.listed import Listed
from benchmarks.corpus.offline import buildable
from benchmarks.corpus.variants import State
from lab.caching.advise import Advice, offer, over_edits
from lab.caching.advise.pricing import ignoring
from lab.caching.predict import edit_arguments
from lab.dockerfile.cachekey import Rules, archive_rules
from lab.dockerfile.edits import Inputs
from lab.engines import open_engine
from lab.engines.protocol import Engine
from lab.model.errors import LabError
from lab.model.events import Outcome

TRIED = 2  # edits of each rewrite


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What builds said of one rewrite: ``faults`` are in words, ``ran`` are RUNs and steps that
    ran with it and without it.
    """

    kind: str
    faults: tuple[str, ...]
    ran: tuple[tuple[int, int], tuple[int, int]]


def rewritten(found: list[tuple[Listed, str]], engine_name: str, most: int) -> int:
    """The rewrites of Dockerfiles until so many are built; 1 where one is no gain, or alters."""
    kinds: Counter[tuple[str, bool]] = Counter()
    asked = 0
    with contextlib.closing(open_engine(engine_name, private=True, say=print)) as engine:
        facts = engine.facts()
        rules = archive_rules(facts.name, facts.version, facts.storage)
        for one, text in found:
            if sum(kinds.values()) >= most:
                break
            if buildable(text) is None:
                continue
            asked += 1
            try:
                results = list(_rewrites(engine, rules, one, text))
            except (Unbuildable, LabError) as error:
                print(f"not built: {one.name}: {str(error)[:160]}", flush=True)
                continue
            for tried in results:
                kinds[tried.kind, not tried.faults] += 1
                print(
                    f"{one.name}: {tried.kind}: {tried.ran} {tried.faults or 'holds'}", flush=True
                )
        print(f"{facts.name} {facts.version}: {asked} Dockerfiles asked")
    print("| rewrite | built | hold |\n| --- | --- | --- |")
    for name in sorted({name for name, _ in kinds}):
        print(f"| {name} | {kinds[name, True] + kinds[name, False]} | {kinds[name, True]} |")
    return 1 if any(not fine for _, fine in kinds) or not kinds else 0


def _rewrites(engine: Engine, rules: Rules, one: Listed, text: str) -> Iterator[Tried]:
    same, state = yard(engine, one, text, fixed=True)
    given = Inputs(dockerfile=state.text, dockerfile_path="Dockerfile", context=sent(state))
    edits = [
        f"file:{path}"
        for path, entry in given.context.entries.items()
        if entry.kind == "file" and path not in {".dockerignore", "Dockerfile"}
    ]
    pricing = over_edits(given, edits, rules, {})
    offered = offer(given, pricing, engine=rules.engine, version=engine.facts().version).shown
    rewrites = [advice for advice in offered if not advice.rewrite.measured]
    if not rewrites:
        return
    files, ran = _held(same, state)
    free, _ = yard(engine, one, text)
    for advice in rewrites:
        yield _tried(same, free, given, advice, edits, (files, ran))


def _tried(
    same: Yard,
    free: Yard,
    given: Inputs,
    advice: Advice,
    edits: list[str],
    held: tuple[dict[str, object], list[str]],
) -> Tried:
    new = advice.rewrite
    after = ignoring(replace(given, dockerfile=new.dockerfile), new.ignore)
    files, ran = _held(same, _state(after))
    faults = []
    if other := sorted(set(files.items()) ^ set(held[0].items()), key=repr):
        faults.append(f"other files: {other[:3]}")
    if ran != held[1]:
        faults.append("other RUNs")
    sums = [[0, 0], [0, 0]]
    for text in advice.saves(edits)[:TRIED]:
        for side, inputs in enumerate((after, given)):
            _ran(free, inputs)
            carried = edit_arguments.carried(text, given.dockerfile, inputs.dockerfile)
            edited = edit_arguments.apply(carried, inputs).inputs
            runs, steps = _ran(free, _marked(edited, text, side))
            sums[side][0] += runs
            sums[side][1] += steps
    if not sums[0] < sums[1]:
        faults.append("no fewer steps")
    return Tried(
        kind=new.kind,
        faults=tuple(faults),
        ran=((sums[0][0], sums[0][1]), (sums[1][0], sums[1][1])),
    )


def _marked(inputs: Inputs, text: str, side: int) -> Inputs:
    """With a content that no build has had yet."""
    path = text.removeprefix("file:")
    data = inputs.context.read(path) + f" {side} {id(inputs)}".encode()
    return replace(inputs, context=inputs.context.with_file(path, data))


def _state(inputs: Inputs) -> State:
    return State(text=inputs.dockerfile, context=inputs.context, moved=0)


def _held(place: Yard, state: State) -> tuple[dict[str, object], list[str]]:
    outcome, log = place.build(state)
    if outcome.status != "ok":
        raise Unbuildable(str(outcome.reason))
    return dict(image_files(place.engine, TAG)), sorted(set(stub.ran(log)))


def _ran(place: Yard, inputs: Inputs) -> tuple[int, int]:
    """RUNs and all steps that a build ran."""
    outcome, log = place.build(_state(inputs))
    if outcome.status != "ok":
        raise Unbuildable(str(outcome.reason))
    return len(stub.ran(log)), sum(one.outcome is Outcome.MISS for one in outcome.steps)
