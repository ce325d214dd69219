"""The lab's outcomes against an oracle that does not ask the engine.

Every RUN writes a fresh random value into the image. A step is a hit exactly where the value in
the image did not change since the build before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lab.model.events import Outcome
from lab.runner.recorder import BuildOutcome
from tests.contract import oracle
from tests.contract.conftest import Bench

FRESH = "mkdir -p /oracle; cat /proc/sys/kernel/random/uuid > /oracle/"
WANTED_STEPS = 200


@dataclass(frozen=True)
class Stage:
    """RUN steps as (name, text version); before step i, file i is copied where ``copies`` says."""

    name: str
    runs: tuple[tuple[str, int], ...]
    copies: frozenset[int]
    takes: tuple[str, ...] = ()


@dataclass
class Project:
    stages: list[Stage]
    files: dict[str, str] = field(default_factory=dict)

    def text(self, broken: str | None = None) -> str:
        lines = []
        for stage in self.stages:
            lines.append(f"FROM BASE AS {stage.name}")
            # Copying whole folders keeps two stages' values apart: their file names differ.
            lines += [f"COPY --from={taken} /oracle /oracle" for taken in stage.takes]
            for number, (name, version) in enumerate(stage.runs):
                if number in stage.copies:
                    lines.append(f"COPY {name}.txt /files/{name}.txt")
                tail = "; exit 7" if name == broken else ""
                lines.append(f"RUN : v{version}; {FRESH}{name}{tail}")
        return "\n".join(lines) + "\n"


def project(rng: random.Random, shape: str) -> Project:
    sizes = {"single": [6], "multi": [3, 3], "parallel": [2, 2, 2]}[shape]
    stages: list[Stage] = []
    for index, size in enumerate(sizes):
        last = index == len(sizes) - 1
        takes = () if index == 0 or not (last or shape == "multi") else None
        before = tuple(stage.name for stage in stages)
        stages.append(
            Stage(
                name=f"s{index}",
                runs=tuple((f"s{index}-r{number}", 0) for number in range(size)),
                copies=frozenset(n for n in range(size) if rng.random() < 0.5),
                takes=(before if shape == "parallel" else before[-1:]) if takes is None else (),
            )
        )
    made = Project(stages)
    made.files = {f"{name}.txt": "0" for stage in stages for name, _ in stage.runs}
    return made


def edit(rng: random.Random, made: Project) -> None:
    """One change anywhere: a copied file or the text of a RUN."""
    index = rng.randrange(len(made.stages))
    stage = made.stages[index]
    number = rng.randrange(len(stage.runs))
    name, version = stage.runs[number]
    if number in stage.copies and rng.random() < 0.5:
        made.files[f"{name}.txt"] += "x"
    else:
        runs = [*stage.runs]
        runs[number] = (name, version + 1)
        made.stages[index] = replace(stage, runs=tuple(runs))


def outcomes(outcome: BuildOutcome) -> dict[str, Outcome | None]:
    return {
        step.instruction.split("/oracle/")[1].split(";")[0]: step.outcome
        for step in outcome.steps
        if step.instruction.startswith("RUN")
    }


def expected(now: dict[str, str], before: dict[str, str]) -> dict[str, Outcome]:
    return {
        name: Outcome.HIT if before.get(name) == value else Outcome.MISS
        for name, value in now.items()
    }


def test_outcomes_agree_with_the_values_in_the_image(
    real_bench: Bench, record_property: Callable[[str, object], None]
) -> None:
    """`--junitxml FILE -o junit_family=xunit1` keeps the count."""
    engine, tag = real_bench.engine, "localhost/lab/test:truth"
    rng = random.Random(20261123)
    checked = 0
    kinds: set[tuple[str, Outcome]] = set()
    while checked < WANTED_STEPS:
        for shape in ("single", "multi", "parallel"):
            made = project(rng, shape)
            before: dict[str, str] = {}
            for number, change in enumerate(("cold", "none", "edit", "edit")):
                if change == "edit":
                    edit(rng, made)
                outcome = real_bench.build(made.text(), made.files, tag=tag, cold=number == 0)
                assert outcome.status == "ok", outcome.reason
                now = oracle.values(engine, tag)
                truth = expected(now, before)
                assert outcomes(outcome) == truth, (shape, change, made.text())
                kinds |= {(shape, one) for one in truth.values()}
                checked += len(truth)
                before = now
    record_property("steps", checked)
    assert checked >= WANTED_STEPS
    assert len(kinds) == 6, "each shape met hits and misses"


def test_steps_of_a_failed_build_are_told_rightly(real_bench: Bench) -> None:
    """A failed build leaves no image: the repaired one shows what it had left in the cache."""
    engine, tag = real_bench.engine, "localhost/lab/test:truth-failed"
    rng = random.Random(7)
    for broken in ("s0-r2", "s0-r4", "s0-r5"):
        made = project(rng, "single")
        names = [name for name, _ in made.stages[0].runs]
        real_bench.build(made.text(), made.files, tag=tag, cold=True)
        before = oracle.values(engine, tag)
        edit_at = 1
        runs = [*made.stages[0].runs]
        runs[edit_at] = (runs[edit_at][0], 99)
        made.stages[0] = replace(made.stages[0], runs=tuple(runs))
        failed = real_bench.build(made.text(broken=broken), made.files, tag=tag)
        assert failed.status == "failed"
        assert "7" in (failed.reason or "")
        told = outcomes(failed)
        repaired = real_bench.build(made.text(), made.files, tag=tag)
        assert repaired.status == "ok"
        after = oracle.values(engine, tag)
        place = names.index(broken)
        truth = expected({name: after[name] for name in names[:place]}, before)
        assert {name: told[name] for name in names[:place]} == truth
        assert told[broken] is Outcome.FAILED
        assert {told[name] for name in names[place + 1 :]} <= {Outcome.SKIPPED}


def test_a_failing_stage_stops_its_siblings(real_bench: Bench) -> None:
    text = (
        f"FROM BASE AS a\nRUN {FRESH}a; sleep 0.3; exit 3\n"
        f"FROM BASE AS b\nRUN sleep 4; {FRESH}b\n"
        "FROM BASE\nCOPY --from=a /oracle /oracle\nCOPY --from=b /oracle /oracle\n"
        f"RUN {FRESH}c\n"
    )
    outcome = real_bench.build(text, cold=True)
    assert outcome.status == "failed"
    assert outcomes(outcome) == {"a": Outcome.FAILED, "b": Outcome.SKIPPED, "c": Outcome.SKIPPED}
    assert outcome.cache.hits == 0
    assert outcome.cache.misses == 1
