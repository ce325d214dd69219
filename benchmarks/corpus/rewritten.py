"""What advice offers for public Dockerfiles, built: the same files, and fewer steps that run."""

from __future__ import annotations

import contextlib
import random
import re
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
from lab.dockerfile.parser import parse
from lab.engines import open_engine
from lab.engines.protocol import Engine
from lab.model.errors import LabError
from lab.model.events import Outcome

TRIED = 1  # edits of each rewrite
FRESH = "lab-changed"


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
    edits = list(_edits(given))
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
    same.moved = -1  # the other's bases have the same names
    files, ran = _held(same, _state(after))
    free.moved = -1
    faults = []
    if other := sorted(set(files.items()) ^ set(held[0].items()), key=repr):
        faults.append(f"other files: {other[:3]}")
    if not set(ran) <= set(held[1]):  # what is in the cache prints nothing
        faults.append("other RUNs")
    sums = [[0, 0], [0, 0]]
    for text in advice.saves(edits)[:TRIED]:
        for side, inputs in enumerate((after, given)):
            _ran(free, inputs)
            if text.startswith("file:") and text[5:] not in inputs.context.entries:
                continue  # a rewrite keeps it back: nothing is sent otherwise
            carried = edit_arguments.carried(text, given.dockerfile, inputs.dockerfile)
            runs, steps = _ran(free, _marked(edit_arguments.apply(carried, inputs).inputs, text))
            sums[side][0] += runs
            sums[side][1] += steps
    if not sums[0] < sums[1]:
        faults.append("no fewer steps")
    return Tried(
        kind=new.kind,
        faults=tuple(faults),
        ran=((sums[0][0], sums[0][1]), (sums[1][0], sums[1][1])),
    )


def _edits(given: Inputs) -> Iterator[str]:
    """Edits of each file, each argument and variable, and each RUN's and LABEL's text."""
    for text in _named(given):
        with contextlib.suppress(LabError):
            edit_arguments.apply(text, given)
            yield text


def _named(given: Inputs) -> Iterator[str]:
    for path, entry in given.context.entries.items():
        if entry.kind == "file" and path not in {".dockerignore", "Dockerfile"}:
            yield f"file:{path}"
    for one in parse(given.dockerfile).instructions:
        if one.keyword == "ARG" and one.stage is not None:
            yield from (f"arg:{word.partition('=')[0]}={FRESH}" for word in one.operands.split())
        elif one.keyword == "ENV":
            yield from (f"env:{name}={FRESH}" for name in re.findall(r"(\w+)=", one.operands))
        elif one.keyword in {"RUN", "LABEL"}:
            yield f"text:{one.index}"


def _marked(inputs: Inputs, text: str) -> Inputs:
    """An edited state whose change no build has had yet."""
    token = f"x{random.SystemRandom().randrange(10**9)}"
    kind, _, path = text.partition(":")
    if kind == "file":
        data = inputs.context.read(path) + token.encode()
        return replace(inputs, context=inputs.context.with_file(path, data))
    args = {name: value.replace(FRESH, token) for name, value in inputs.build_args.items()}
    dockerfile = inputs.dockerfile.replace(FRESH, token).replace(": changed; ", f": {token}; ")
    dockerfile = dockerfile.replace("changed=1 ", f"changed={token} ")
    return replace(inputs, dockerfile=dockerfile, build_args=args)


def _state(inputs: Inputs) -> State:
    args = tuple(sorted(inputs.build_args.items()))
    return State(text=inputs.dockerfile, context=inputs.context, args=args)


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
