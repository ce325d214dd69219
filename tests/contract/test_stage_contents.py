"""What is copied from a stage counts by what it can depend on: predicted, then really built."""

from __future__ import annotations

import pytest

from lab.caching.predict import CacheSimulator, predict
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules, make
from lab.dockerfile.context import Context
from lab.model.events import Outcome
from tests.contract.conftest import BASE, Bench

FILES = {"a": "a", "b": "b", "d/q": "q"}
# name -> Dockerfile, the file that changes, and whether the step that reads a stage hits for sure
CASES: dict[str, tuple[str, str, bool]] = {
    "another copy": (
        "FROM BASE AS s\nCOPY a /x/a\nCOPY b /x/b\nFROM BASE\nCOPY --from=s /x/a /a\nRUN true\n",
        "b",
        True,
    ),
    "this copy": (
        "FROM BASE AS s\nCOPY a /x/a\nCOPY b /x/b\nFROM BASE\nCOPY --from=s /x/a /a\nRUN true\n",
        "a",
        False,
    ),
    "the folder of both": (
        "FROM BASE AS s\nCOPY a /x/a\nCOPY b /x/b\nFROM BASE\nCOPY --from=s /x /a\nRUN true\n",
        "b",
        False,
    ),
    "a relative place": (
        "FROM BASE AS s\nWORKDIR /x\nCOPY a ./a\nCOPY b ../y/b\nFROM BASE\n"
        "COPY --from=s /x/ /a/\nRUN true\n",
        "b",
        True,
    ),
    "a stage of a stage": (
        "FROM BASE AS r\nCOPY a /r/a\nCOPY b /r/b\nFROM BASE AS s\nCOPY --from=r /r/a /x/a\n"
        "COPY b /y\nFROM s AS t\nCOPY b /z\nFROM BASE\nCOPY --from=t /x/a /a\nRUN true\n",
        "b",
        True,
    ),
    "a step above": (
        "FROM BASE AS s\nCOPY b /x/b\nRUN cat /x/b > /y\nCOPY a /x/a\nFROM BASE\n"
        "COPY --from=s /y /a\nRUN true\n",
        "a",
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_copied_from_a_stage_is_predicted_by_what_it_holds(name: str, bench: Bench) -> None:
    text, changed, kept = CASES[name]
    rules = archive_rules(bench.engine.name, bench.engine.facts().version)
    memory = CacheSimulator()
    for files in (FILES, FILES | {changed: "another"}):
        text = text.replace("BASE", BASE)
        context = Context.of_files(files).with_file("Dockerfile", text.encode())
        prediction = predict(make(parser.parse(text), context), rules, memory)
        outcome = bench.build(text, files, cold=files is FILES)
    wrong = {
        step.instruction: (prediction.outcomes[step.index], step.outcome)
        for step in outcome.steps
        if step.outcome not in {None, prediction.outcomes[step.index]}
    }
    assert not wrong
    reading = outcome.steps[-2]
    if bench.real:  # the simulated engine has no files to compare
        assert reading.instruction.startswith("COPY --from")
        assert reading.outcome is (Outcome.HIT if kept else Outcome.MISS)
