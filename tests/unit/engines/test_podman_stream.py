"""Podman's build output, told as events: captured streams, imitations, chaos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile.parser import parse
from lab.engines.podman_stream import Decoder
from lab.engines.podman_text import seconds
from lab.model.events import (
    BuildError,
    CacheMoved,
    Event,
    ImageBuilt,
    Log,
    Note,
    Outcome,
    StepEnded,
    StepStarted,
)

STREAMS = Path(__file__).parents[2] / "golden" / "streams"
HIT, MISS, FAILED = Outcome.HIT, Outcome.MISS, Outcome.FAILED
ID = "05b3e04f5f2baaba0071169ffba5a75eb5cfabb1b407025f8c3969f7da6eac5e"
OTHER = "443ee571787bb095aa560c46d8c88866ce44c5361b4ecd358efb3d71ab9c472c"
USAGE = "1ms(system) 0s(user) 6ms(elapsed) 0B input 0B output\n"
THREE = """FROM localhost/local/debian:bookworm AS a
RUN echo a {word}; sleep 0.5; echo a-err >&2
FROM localhost/local/debian:bookworm AS b
RUN echo b {word}; sleep 0.8
FROM localhost/local/debian:bookworm
COPY --from=a /etc/hostname /ha
COPY --from=b /etc/hostname /hb
COPY foo /foo
ENV X=1
RUN echo final {word}; printf partial; sleep 0.2; echo " done"
"""


def decode(dockerfile: str, messages: list[tuple[float, dict]], target: str | None = None):
    decoder = Decoder(parse(dockerfile), target)
    events: list[Event] = []
    for at, message in messages:
        events.extend(decoder.feed(at, message))
    events.extend(decoder.close(messages[-1][0] if messages else 0.0))
    return events, decoder


def told(dockerfile: str, *lines: str, target: str | None = None) -> list[Event]:
    messages = [(float(n), {"stream": line}) for n, line in enumerate(lines)]
    return decode(dockerfile, messages, target)[0]


def captured(name: str) -> list[tuple[float, dict]]:
    rows = [json.loads(line) for line in (STREAMS / name).read_text().splitlines()]
    return [(row["t"], row["m"]) for row in rows if "m" in row]


def outcomes(events: list[Event]) -> dict[int, Outcome | None]:
    return {e.step: e.outcome for e in events if isinstance(e, StepEnded)}


def durations(events: list[Event]) -> dict[int, float]:
    starts = {e.step: e.clock for e in events if isinstance(e, StepStarted)}
    return {e.step: e.clock - starts[e.step] for e in events if isinstance(e, StepEnded)}


def output(events: list[Event], step: int | None) -> bytes:
    return b"".join(e.data for e in events if isinstance(e, Log) and e.step == step)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("podman4.3.1-libpod-cold.jsonl", "fx-podman4.3.1-1795424445"),
        ("podman4.3.1-libpod-cold-rusage.jsonl", "fx-podman4.3.1-1795424445r"),
        ("podman5.8.6-libpod-cold-rusage.jsonl", "fx-podman5.8.6-1795424456r"),
    ],
)
def test_a_cold_build(name: str, word: str) -> None:
    events, decoder = decode(THREE.format(word=word), captured(name))
    counted = outcomes(events)
    assert [counted[n] for n in (0, 2, 4)] == [None, None, None]
    assert counted[1] == counted[3] == counted[9] == MISS
    assert durations(events)[1] == pytest.approx(0.74, abs=0.26)
    assert durations(events)[9] == pytest.approx(0.45, abs=0.26)
    assert output(events, 1) == f"a {word}\na-err\n".encode()
    assert output(events, 9).endswith(b"partial done\n")
    assert [type(e) for e in events if isinstance(e, ImageBuilt)] == [ImageBuilt]
    assert not [e for e in events if isinstance(e, BuildError)]
    assert len(decoder.made) + len(decoder.reused) == 7


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("podman4.3.1-libpod-warm.jsonl", "fx-podman4.3.1-1795424445"),
        ("podman5.8.6-libpod-warm.jsonl", "fx-podman5.8.6-1795424456"),
    ],
)
def test_a_warm_build_hits_everywhere(name: str, word: str) -> None:
    events, decoder = decode(THREE.format(word=word), captured(name))
    counted = outcomes(events)
    assert {n: o for n, o in counted.items() if n not in (0, 2, 4)} == dict.fromkeys(
        (1, 3, 5, 6, 7, 8, 9), HIT
    )
    assert decoder.made == []
    assert len(decoder.reused) == 7


@pytest.mark.parametrize("version", ["4.3.1-1795424445", "5.8.6-1795424456"])
def test_a_failing_run(version: str) -> None:
    file = (
        "FROM localhost/local/debian:bookworm AS a\n"
        f"RUN echo fa fx-podman{version}; sleep 0.3; exit 7\n"
        "FROM localhost/local/debian:bookworm AS b\nRUN echo b\n"
        "FROM localhost/local/debian:bookworm\nCOPY --from=a /x /x\nCOPY --from=b /y /y\n"
    )
    name = f"podman{version.partition('-')[0]}-libpod-fail-run.jsonl"
    events, _ = decode(file, captured(name))
    assert outcomes(events) == {0: None, 1: FAILED}
    assert next(e for e in events if isinstance(e, BuildError)).code == 7
    assert not [e for e in events if isinstance(e, ImageBuilt)]


def test_a_base_that_does_not_exist() -> None:
    events, _ = decode(
        "FROM nonexistent:1\nRUN x\n", captured("podman4.3.1-libpod-fail-nobase.jsonl")
    )
    assert outcomes(events) == {0: FAILED}
    error = next(e for e in events if isinstance(e, BuildError))
    assert error.code is None
    assert "short-name" in error.message


def test_a_step_that_ended_before_it_failed_is_failed() -> None:
    file = parse("FROM x\nCOPY no /no\n")
    decoder = Decoder(file)
    lines = ["STEP 1/2: FROM x\n", USAGE, "STEP 2/2: COPY no /no\n", USAGE]
    events = [e for n, line in enumerate(lines) for e in decoder.feed(n, {"stream": line})]
    events += decoder.feed(9, {"errorDetail": {"message": 'building at STEP "COPY no /no": no'}})
    assert outcomes(events) == {0: None, 1: FAILED}


def test_arguments_before_from_skipped_stages_and_text() -> None:
    events = told(
        "ARG BASE=x\nFROM $BASE AS unused\nRUN u\nFROM $BASE AS a\n"
        'run  echo   "two  spaces" \\\n   # comment\n   && echo more\nFROM a\nCMD ["x"]\n',
        "[2/3] STEP 1/2: FROM x AS a\n",
        USAGE,
        '[2/3] STEP 2/2: run  echo   "two  spaces"    && echo more\n',
        f"--> Using cache {OTHER}\n",
        f"--> {OTHER[:11]}\n",
        USAGE,
        f"[3/3] STEP 1/2: FROM {OTHER}\n",
        USAGE,
        '[3/3] STEP 2/2: CMD ["x"]\n',
        "[3/3] COMMIT localhost/t/x:1\n",
        f"--> {ID[:11]}\n",
        USAGE,
        "Successfully tagged localhost/t/x:1\n",
        f"{ID}\n",
    )
    assert outcomes(events) == {3: None, 4: HIT, 5: None, 6: MISS}
    assert [e.id for e in events if isinstance(e, ImageBuilt)] == [f"sha256:{ID}"]


def test_triggers_of_the_base_and_labels_of_the_request_are_no_steps() -> None:
    events = told(
        "FROM onb\nRUN echo after\n",
        "STEP 1/3: FROM onb\n",
        USAGE,
        "STEP 2/5: RUN echo trigger\n",
        "trigger\n",
        f"--> {OTHER[:11]}\n",
        USAGE,
        "STEP 3/5: ENV Q=1\n",
        f"--> {OTHER[1:12]}\n",
        USAGE,
        "STEP 4/5: RUN echo after\n",
        f"--> Using cache {OTHER}\n",
        f"--> {OTHER[:11]}\n",
        USAGE,
        'STEP 5/5: LABEL "lab"="1"\n',
        "COMMIT x\n",
        f"--> {ID[:11]}\n",
        USAGE,
        f"{ID}\n",
    )
    assert outcomes(events) == {0: None, 1: HIT}
    assert output(events, None) == b"trigger\n"
    assert any(isinstance(e, ImageBuilt) for e in events)


def test_a_stage_named_by_its_number_breaks_into_the_step_that_waits() -> None:
    events = told(
        "FROM x AS a\nFROM a\nRUN i\nFROM x\nCOPY --from=1 /h /h\n",
        "[1/3] STEP 1/1: FROM x AS a\n",
        f"--> {OTHER[:11]}\n",
        USAGE,
        "[3/3] STEP 1/2: FROM x\n",
        USAGE,
        "[3/3] STEP 2/2: COPY --from=1 /h /h\n",
        f"[2/3] STEP 1/2: FROM {OTHER}\n",
        USAGE,
        "[2/3] STEP 2/2: RUN i\n",
        f"--> {OTHER[:11]}\n",
        USAGE,
        "[3/3] COMMIT x\n",
        f"--> {ID[:11]}\n",
        USAGE,
        f"{ID}\n",
    )
    assert outcomes(events) == {0: None, 1: None, 2: MISS, 3: None, 4: MISS}
    copy = [
        (type(e), e.clock) for e in events if isinstance(e, StepStarted | StepEnded) and e.step == 4
    ]
    assert copy == [(StepStarted, 5), (StepEnded, 6), (StepStarted, 10), (StepEnded, 13)]


IMITATIONS = [
    "STEP 3/3: RUN x\n",
    "STEP 3/3: RUN true\nmore\n",
    "--> abcdefabcde\n",
    f"--> Using cache {OTHER}\n",
    USAGE,
    "COMMIT x\n",
    f"{OTHER}\n",
    "Successfully tagged x\n",
    "[Warning] one or more build args were not consumed: [V]\n",
    "plain\n",
    "\ufffd",
]


@given(st.lists(st.sampled_from(IMITATIONS), max_size=8), st.booleans())
def test_output_that_imitates_podman_fools_nobody(noise: list[str], in_last: bool) -> None:
    """One line of noise stands first: a hit is only told before any output."""
    first, last = ([], ["o\n", *noise]) if in_last else (["o\n", *noise], [])
    events = told(
        "FROM x\nRUN noise\nRUN true\n",
        "STEP 1/3: FROM x\n",
        USAGE,
        "STEP 2/3: RUN noise\n",
        *first,
        f"--> {ID[1:12]}\n",
        USAGE,
        "STEP 3/3: RUN true\n",
        *last,
        "COMMIT x\n",
        f"--> {ID[:11]}\n",
        USAGE,
        "Successfully tagged x\n",
        f"{ID}\n",
    )
    assert outcomes(events) == {0: None, 1: MISS, 2: MISS}
    assert output(events, 1).decode() == "".join(first)
    assert output(events, 2).decode() == "".join(last)
    assert [e.id for e in events if isinstance(e, ImageBuilt)] == [f"sha256:{ID}"]


def test_a_warning_of_podman_is_told_once() -> None:
    line = 'time="2026-11-23T11:22:13Z" level=warning msg="missing \\"B\\" build argument"\n'
    events = told("FROM x\nARG B\n", line, "STEP 1/2: FROM x\n", USAGE, line)
    assert [e.text for e in events if isinstance(e, Note)] == ['missing "B" build argument']


def test_an_argument_that_nothing_declares_is_a_note_at_the_end() -> None:
    """As podman 4.3.1, 5.4.2 and 5.8.6 say it: after the last step, before the image's id."""
    events = told(
        "FROM x\nRUN true\n",
        "STEP 1/2: FROM x\n",
        USAGE,
        "STEP 2/2: RUN true\n",
        "COMMIT x\n",
        f"--> {ID[:11]}\n",
        USAGE,
        "[Warning] one or more build args were not consumed: [V]\n",
        "Successfully tagged x\n",
        f"{ID}\n",
    )
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes == ["one or more build args were not consumed: [V]"]
    assert outcomes(events) == {0: None, 1: MISS}
    assert [e.id for e in events if isinstance(e, ImageBuilt)] == [f"sha256:{ID}"]


@given(
    st.lists(
        st.one_of(
            st.text(max_size=40).map(lambda text: {"stream": text}),
            st.sampled_from([{}, {"stream": 3}, {"error": None}, {"aux": {"ID": "x"}}]),
            st.sampled_from(IMITATIONS).map(lambda text: {"stream": text}),
        ),
        max_size=20,
    )
)
def test_no_message_breaks_the_decoder(messages: list[dict]) -> None:
    decode("FROM x\nRUN y\n", [(float(n), m) for n, m in enumerate(messages)])


@pytest.mark.parametrize(
    ("text", "value"),
    [("612ms", 0.612), ("1m2.5s", 62.5), ("0s", 0.0), ("1h0m1s", 3601.0), ("x", None), ("5", None)],
)
def test_durations(text: str, value: float | None) -> None:
    assert seconds(text) == pytest.approx(value) if value is not None else seconds(text) is None


# podman 4.3.1 on a fresh service: a step out of a remote cache, and one that is run and pushed.
REMOTE = "FROM localhost/lab/base:b\nRUN one\nRUN two\n"
REMOTE_LINES = (
    "STEP 1/3: FROM localhost/lab/base:b\n",
    USAGE,
    "STEP 2/3: RUN one\n",
    f"--> Cache pulled from remote 127.0.0.1:5000/lab/cache:{OTHER}\n",
    f"--> Using cache {ID}\n",
    f"--> {ID[:11]}\n",
    USAGE,
    "STEP 3/3: RUN two\n",
    "--> Pushing cache of mine\n",
    "COMMIT localhost/lab/t:1\n",
    f"--> Pushing cache 127.0.0.1:5000/lab/cache:{ID}\n",
    f"--> {OTHER[:11]}\n",
    USAGE,
    "Successfully tagged localhost/lab/t:1\n",
    f"{OTHER}\n",
)


def test_what_a_remote_cache_brings_and_takes_is_told() -> None:
    decoder = Decoder(parse(REMOTE), remote=True)
    events = [
        event
        for at, line in enumerate(REMOTE_LINES)
        for event in decoder.feed(float(at), {"stream": line})
    ]
    assert {e.step: e.outcome for e in events if isinstance(e, StepEnded)} == {
        0: None,
        1: HIT,
        2: MISS,
    }
    assert [(e.out, e.started, e.ended) for e in events if isinstance(e, CacheMoved)] == [
        (False, 2.0, 3.0),
        (True, 10.0, 11.0),
    ]


def test_without_a_remote_cache_such_lines_are_output() -> None:
    events = told(REMOTE, *REMOTE_LINES)
    assert not [e for e in events if isinstance(e, CacheMoved)]
    assert {e.step: e.outcome for e in events if isinstance(e, StepEnded)}[1] is MISS
