"""Docker's first builder, told as events: captured streams and what a step may print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile.parser import parse
from lab.engines.classic import Decoder
from lab.model.events import BuildError, ImageBuilt, Log, Outcome, StepEnded, StepStarted
from tests.captures import (
    BUILT,
    DOCKERS,
    FAILED,
    NO_BASE,
    captured,
    decode,
    outcomes,
    worded,
)

HIT, MISS = Outcome.HIT, Outcome.MISS


@pytest.mark.parametrize("docker", DOCKERS)
@pytest.mark.parametrize(("build", "outcome"), [("cold", MISS), ("warm", HIT)])
def test_every_instruction_is_a_step(docker: str, build: str, outcome: Outcome) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-legacy-{build}"))
    froms = dict.fromkeys((0, 2, 4))
    assert outcomes(events) == froms | dict.fromkeys((1, 3, 5, 6, 7, 8, 9), outcome)
    assert len([e for e in events if isinstance(e, ImageBuilt)]) == 1


@pytest.mark.parametrize("docker", DOCKERS)
def test_output_belongs_to_its_step_and_keeps_its_colours(docker: str) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-legacy-cold"))
    logs = [(e.step, e.data) for e in events if isinstance(e, Log)]
    assert (1, b"\x1b[91ma-err\n\x1b[0m") in logs
    assert b"".join(data for step, data in logs if step == 9).endswith(b"partial done\n")
    assert {step for step, _ in logs} == {1, 3, 9}


@pytest.mark.parametrize("docker", DOCKERS)
def test_a_step_lasts_to_the_next_one(docker: str) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-legacy-cold"))
    start = next(e.clock for e in events if isinstance(e, StepStarted) and e.step == 3)
    end = next(e.clock for e in events if isinstance(e, StepEnded) and e.step == 3)
    assert 0.8 < end - start < 2.0


@pytest.mark.parametrize("docker", DOCKERS)
def test_a_failing_run_gives_its_exit_code(docker: str) -> None:
    events = decode(Decoder(worded(FAILED, docker)), captured(f"{docker}-legacy-fail-run"))
    assert outcomes(events) == {0: None, 1: Outcome.FAILED}
    assert [e.code for e in events if isinstance(e, BuildError)] == [7]


@pytest.mark.parametrize("docker", DOCKERS)
def test_a_missing_base_fails_without_a_failed_step(docker: str) -> None:
    events = decode(Decoder(parse(NO_BASE)), captured(f"{docker}-legacy-fail-nobase"))
    assert outcomes(events) == {0: None}
    assert "registry" in next(e.message for e in events if isinstance(e, BuildError))


def _lines(*texts: str) -> list[tuple[float, dict[str, object]]]:
    return [(float(n), {"stream": text}) for n, text in enumerate(texts)]


FROM = ("Step 1/2 : FROM scratch", "\n", " ---> 0123456789ab\n", "Step 2/2 : RUN x", "\n")
END = ("Removing intermediate container ab12\n", " ---> ba9876543210\n")


@given(
    st.sampled_from(
        [
            "Step 3/2 : RUN y",
            " ---> Using cache\n",
            "Successfully built abc\n",
            "Removing intermediate container cd34\n",
            " ---> Running in cd34\n",
            END[1],
        ]
    )
)
def test_a_step_cannot_speak_for_the_builder(printed: str) -> None:
    decoder = Decoder(parse("FROM scratch\nRUN x\n"))
    events = decode(decoder, _lines(*FROM, " ---> Running in ab12\n", printed, *END))
    assert [e.data for e in events if isinstance(e, Log)] == [printed.encode()]
    assert not [e for e in events if isinstance(e, ImageBuilt)]
    assert decoder.made == {"ba9876543210"}


def test_labels_of_the_request_are_no_step_of_the_file() -> None:
    text = "FROM scratch AS a\nRUN x\nFROM a\nRUN y\n"
    built = (*FROM, " ---> Using cache\n", END[1], "Step 3/3 : LABEL a=b", "\n")
    events = decode(Decoder(parse(text), "a"), _lines(*built, "Successfully built abc\n"))
    assert outcomes(events) == {0: None, 1: HIT}
    assert [e.id for e in events if isinstance(e, ImageBuilt)] == ["abc"]


def test_triggers_of_the_base_belong_to_its_from() -> None:
    texts = ("Step 1/1 : FROM x", "\n", "# Executing 1 build trigger", "\n")
    running = (" ---> Running in ab12\n", "printed\n", *END)
    events = decode(
        Decoder(parse("FROM x\n")), _lines(*texts, *running, "Successfully built abc\n")
    )
    assert outcomes(events) == {0: None}
    assert [e.step for e in events if isinstance(e, Log)] == [0]


def test_an_unknown_message_tells_nothing() -> None:
    decoder = Decoder(parse("FROM x\n"))
    pull = {"status": "Pulling fs layer", "progressDetail": {}, "id": "abc"}
    assert decode(decoder, [(0.0, pull), (0.0, {"aux": 7}), (0.0, {"stream": None})]) == []
