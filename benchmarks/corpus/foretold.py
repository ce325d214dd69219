"""Edits of public Dockerfiles foretold by the lab's rules, and built: what ran, by its own word."""

from __future__ import annotations

import contextlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.corpus import made_up, stub
from benchmarks.corpus.listed import Listed
from benchmarks.corpus.offline import buildable
from benchmarks.corpus.variants import State, variants
from lab.caching.predict import CacheSimulator, Prediction, predict
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import CacheInputs, Rules, archive_rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import parse
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest, Engine
from lab.model.errors import LabError
from lab.model.events import Log, Outcome
from lab.runner.recorder import BuildOutcome, BuildRecorder

TAG = "localhost/lab/corpus:built"


class Unbuildable(Exception):
    """What a made-up context or base cannot give."""


@dataclass(slots=True)
class Yard:
    """One Dockerfile's bases in an engine, and its builds."""

    engine: Engine
    wanted: stub.Bases
    name: str
    fixed: bool = False
    moved: int = -1

    def build(self, state: State, tag: str = TAG) -> tuple[BuildOutcome, bytes]:
        """Build a state; its outcome, and all that its programs printed."""
        self._bases(state.moved)
        return _built(self.engine, state.text, sent(state), dict(state.args), tag)

    def inputs(self, state: State) -> CacheInputs:
        """What the lab is told of it."""
        args = dict(state.args)
        return make(
            parse(state.text, args),
            sent(state).with_file("Dockerfile", state.text.encode()),
            build_args=args,
            digest=lambda ref: f"{self.name} {ref} {state.moved}",
        )

    def _bases(self, moved: int) -> None:
        if moved == self.moved:
            return
        for ref in self.wanted.refs:
            tar = stub.archive(self.wanted, ref, f"{self.name} {moved}", fixed=self.fixed)
            context = Context({"base.tar": File(tar)})
            outcome, _ = _built(self.engine, "FROM scratch\nADD base.tar /\n", context, {}, ref)
            if outcome.status != "ok":
                raise Unbuildable(f"base {ref}: {outcome.reason}")
        self.moved = moved


def sent(state: State) -> Context:
    """The context as a client sends it."""
    return state.context.kept(dockerignore.parse(made_up.IGNORE), {".dockerignore"})


def foretold(found: list[tuple[Listed, str]], engine_name: str, most: int) -> int:
    """Ten edits of each Dockerfile; 1 where less than 99 % came as foretold."""
    kinds: Counter[tuple[str, bool]] = Counter()
    done = assumed = 0
    with contextlib.closing(open_engine(engine_name, private=True, say=print)) as engine:
        facts = engine.facts()
        rules = archive_rules(facts.name, facts.version, facts.storage)
        for one, text in found:
            if done == most:
                break
            try:
                results = list(_edited(engine, rules, one, text))
            except (Unbuildable, LabError) as error:
                print(f"not built: {one.name}: {str(error)[:160]}", flush=True)
                continue
            done += bool(results)
            if results:
                print(f"{done}: {one.name}: {len(results)}", flush=True)
            for name, wrong, only_assumed in results:
                kinds[name, not wrong] += 1
                assumed += only_assumed
                if wrong:
                    print(f"MISS {one.name}: {name}: {'; '.join(wrong)}", flush=True)
        print(f"{facts.name} {facts.version}: {done} Dockerfiles, {assumed} only assumed")
    return _told(kinds)


def _told(kinds: Mapping[tuple[str, bool], int]) -> int:
    print("| edit | foretold | as built |\n| --- | --- | --- |")
    for name in sorted({name for name, _ in kinds}):
        total = kinds.get((name, True), 0) + kinds.get((name, False), 0)
        print(f"| {name} | {total} | {kinds.get((name, True), 0)} |")
    right = sum(count for (_, fine), count in kinds.items() if fine)
    whole = sum(kinds.values())
    print(f"| all | {whole} | {right} |")
    return 0 if whole and right >= 0.99 * whole else 1


def yard(engine: Engine, one: Listed, text: str, *, fixed: bool = False) -> tuple[Yard, State]:
    """A Dockerfile's bases and first state. Raises Unbuildable."""
    made = buildable(text)
    if made is None:
        raise Unbuildable("it cannot be built here")
    text, parsed = made
    if lacks := engine.lacks(parsed):
        raise Unbuildable(f"the engine lacks: {lacks[0]}")
    name = f"{one.sha256[:12]} {random.SystemRandom().randrange(10**9)}"
    there = Yard(engine=engine, wanted=stub.bases(parsed), name=name, fixed=fixed)
    return there, State(text=text, context=made_up.context(text))


def _edited(
    engine: Engine, rules: Rules, one: Listed, text: str
) -> Iterator[tuple[str, list[str], bool]]:
    """Of each edit its kind, what came otherwise than foretold, and whether only assumed steps."""
    if buildable(text) is None:
        return
    place, state = yard(engine, one, text)
    memory = CacheSimulator()
    predict(place.inputs(state), rules, memory)
    outcome, _ = place.build(state)
    if outcome.status != "ok":
        raise Unbuildable(str(outcome.reason))
    for name, edited in variants(state, random.Random(one.sha256)):
        inputs = place.inputs(edited)
        prediction = predict(inputs, rules, memory)
        outcome, log = place.build(edited)
        if outcome.status != "ok":
            yield name, [f"it failed: {outcome.reason}"], False
            continue
        wrong = compared(prediction, parse(edited.text, dict(edited.args)), outcome, log)
        yield name, wrong, bool(prediction.assumed)


def compared(
    prediction: Prediction, parsed: Dockerfile, outcome: BuildOutcome, log: bytes
) -> list[str]:
    """What came otherwise: RUNs by what they printed, the rest by what the engine said."""
    runs = Counter(
        "a script" if any(one.heredocs for one in parsed.instructions if one.index == step.index)
        else stub.digest(argument(step.instruction))
        for step in prediction.steps
        if step.outcome is Outcome.MISS and step.instruction.split(None, 1)[0] == "RUN"
    )  # fmt: skip
    really = Counter(stub.ran(log))
    scripts = runs.pop("a script", 0)
    lost, more = runs - really, really - runs
    wrong = [f"{sum(lost.values())} RUNs did not run"] if lost else []
    if sum(more.values()) != scripts:
        wrong.append(f"{sum(more.values())} RUNs more than foretold, of them {scripts} scripts")
    for step in outcome.steps:
        said = prediction.outcomes.get(step.index)
        if step.outcome is not None and said is not None and said is not step.outcome:
            wrong.append(f"{step.instruction[:60]!r} was {step.outcome}, foretold {said}")
    return wrong


def argument(text: str) -> str:
    """The last argument of a RUN's program, by its text."""
    rest = re.sub(r"^RUN(?:\s+--\S+)*\s*", "", text)
    return stub.last_argument(rest)


def _built(
    engine: Engine, text: str, context: Context, args: Mapping[str, str], tag: str
) -> tuple[BuildOutcome, bytes]:
    parsed = parse(text, args)
    recorder = BuildRecorder(parsed)
    log = b""
    with contextlib.closing(context.with_file("Dockerfile", text.encode()).archive()) as tar:
        request = BuildRequest(
            dockerfile=parsed,
            dockerfile_path="Dockerfile",
            context=tar,
            tag=tag,
            build_args=args,
            labels={"io.imagelab.test": "corpus"},
        )
        for event in engine.build(request):
            recorder.add(event)
            if isinstance(event, Log):
                log += event.data
    return recorder.result(), log
