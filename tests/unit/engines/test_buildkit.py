"""BuildKit's trace, told as events: captured streams, built ones, and bytes that are none."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile.parser import parse
from lab.engines import protobuf
from lab.engines.buildkit import Decoder
from lab.model.events import (
    Activity,
    BuildError,
    Event,
    ImageBuilt,
    Log,
    Note,
    Outcome,
    StepEnded,
    StepStarted,
)
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

HIT, MISS, SKIPPED = Outcome.HIT, Outcome.MISS, Outcome.SKIPPED


@pytest.mark.parametrize("docker", DOCKERS)
@pytest.mark.parametrize(("build", "outcome"), [("cold", MISS), ("warm", HIT)])
def test_steps_of_parallel_stages(docker: str, build: str, outcome: Outcome) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-buildkit-{build}"))
    froms = dict.fromkeys((0, 2, 4))
    assert outcomes(events) == froms | dict.fromkeys((1, 3, 5, 6, 7, 9), outcome)
    assert len([e for e in events if isinstance(e, ImageBuilt)]) == 1
    assert {"exporting to image", "copy /context /"} <= {
        e.name for e in events if isinstance(e, Activity)
    }


@pytest.mark.parametrize("docker", DOCKERS)
def test_times_are_the_daemons_own(docker: str) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-buildkit-cold"))
    starts = {e.step: e.clock for e in events if isinstance(e, StepStarted)}
    ends = {e.step: e.clock for e in events if isinstance(e, StepEnded)}
    assert 0.5 < ends[1] - starts[1] < 1.0
    assert 0.8 < ends[3] - starts[3] < 1.2
    assert starts[3] < ends[1]  # side by side


@pytest.mark.parametrize("docker", DOCKERS)
def test_output_belongs_to_its_step(docker: str) -> None:
    events = decode(Decoder(worded(BUILT, docker)), captured(f"{docker}-buildkit-cold"))
    logs = [(e.step, e.data) for e in events if isinstance(e, Log)]
    assert (1, b"a-err\n") in logs
    assert b"".join(data for step, data in logs if step == 9).endswith(b"partial done\n")


@pytest.mark.parametrize("docker", DOCKERS)
def test_one_step_failed_and_its_neighbour_was_cancelled(docker: str) -> None:
    events = decode(Decoder(worded(FAILED, docker)), captured(f"{docker}-buildkit-fail-run"))
    assert outcomes(events) == dict.fromkeys((0, 2, 4)) | {1: Outcome.FAILED, 3: SKIPPED}
    assert [e.code for e in events if isinstance(e, BuildError)] == [7]


@pytest.mark.parametrize("docker", DOCKERS)
@pytest.mark.parametrize("case", ["nobase", "parse"])
def test_a_build_that_never_reached_a_step(docker: str, case: str) -> None:
    events = decode(Decoder(parse(NO_BASE)), captured(f"{docker}-buildkit-fail-{case}"))
    assert outcomes(events) == {}
    assert len([e for e in events if isinstance(e, BuildError)]) == 1
    assert not [e for e in events if isinstance(e, Note | ImageBuilt)]


# Messages of our own making: the wire format is simple enough to write by hand.


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def _field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _time(seconds: float) -> bytes:
    whole = int(seconds)
    return _field(1, whole) + _field(2, round((seconds - whole) * 1e9))


def vertex(
    name: str,
    *inputs: str,
    at: tuple[float, float] | None = None,
    cached: bool = False,
    error: str = "",
    digest: str = "",
) -> bytes:
    data = _field(1, digest or name) + b"".join(_field(2, one) for one in inputs) + _field(3, name)
    if cached:
        data += _field(4, 1)
    if at is not None:
        data += _field(5, _time(at[0])) + _field(6, _time(at[1]))
    if error:
        data += _field(7, error)
    return _field(1, data + _field(99, "of a later version") + _field(98, 5))


def trace(*vertices: bytes) -> tuple[float, dict[str, Any]]:
    data = base64.b64encode(b"".join(vertices)).decode()
    return 1.0, {"id": "moby.buildkit.trace", "aux": data}


def told(
    text: str, *messages: tuple[float, dict[str, Any]], target: str | None = None
) -> list[Event]:
    return decode(Decoder(parse(text), target), list(messages))


def test_the_number_of_a_step_counts_the_from_of_an_image_alone() -> None:
    text = "FROM i AS a\nRUN x\nFROM a AS b\nENV E=1\nRUN y\nFROM scratch\nCOPY --from=b /x /x\n"
    events = told(
        text,
        trace(
            vertex("[a 1/2] FROM docker.io/library/i", at=(1, 1)),
            vertex("[a 2/2] RUN x", "[a 1/2] FROM docker.io/library/i", at=(2, 2)),
            vertex("[b 1/1] RUN y", "[a 2/2] RUN x", at=(3, 3)),
            vertex("[stage-2 1/1] COPY --from=b /x /x", "[b 1/1] RUN y", at=(4, 4)),
        ),
    )
    assert outcomes(events) == {0: None, 1: MISS, 4: MISS, 6: MISS}


def test_equal_steps_of_two_stages_are_one_vertex() -> None:
    text = (
        "FROM i AS a\nARG V=1\nRUN x $V 'q'\nRUN a\nFROM i AS b\nARG V=1\nRUN x $V 'q'\nRUN b\n"
        "FROM i\nCOPY --from=a / /a\nCOPY --from=b / /b\n"
    )
    base, shared = "[b 1/3] FROM docker.io/library/i", "[a 2/3] RUN x 1 'q'"
    last = "[stage-2 2/3] COPY --from=a / /a"
    events = told(
        text,
        trace(
            vertex(base),
            vertex(shared, base),
            vertex("[a 3/3] RUN a", shared),
            vertex("[b 3/3] RUN b", shared),
            vertex(last, base, "[a 3/3] RUN a"),
            vertex("[stage-2 3/3] COPY --from=b / /b", last, "[b 3/3] RUN b"),
        ),
        trace(vertex(base, at=(1, 2)), vertex(shared, base, at=(2, 3), cached=True)),
    )
    assert outcomes(events) == dict.fromkeys((0, 4, 8)) | {2: HIT, 6: HIT}


def test_triggers_of_the_base_are_no_steps() -> None:
    base = "[1/2] FROM docker.io/library/i"
    events = told(
        "FROM i\nRUN true\n",
        trace(vertex(base), vertex("[2/2] RUN true"), vertex("[3/2] RUN true", digest="own")),
        trace(
            vertex("[2/2] RUN true", at=(1, 2)), vertex("[3/2] RUN true", digest="own", at=(2, 4))
        ),
    )
    assert [(e.step, e.clock) for e in events if isinstance(e, StepEnded)] == [(1, 4.0)]
    assert [e.name for e in events if isinstance(e, Activity)] == ["[2/2] RUN true"]


def test_a_workdir_at_the_root_is_counted_and_has_no_number() -> None:
    """As docker 28.5.2 tells of it: the COPY is 2 of 3, and the other WORKDIR is 3 of 3."""
    base = "[b 1/3] FROM docker.io/library/i"
    events = told(
        'FROM i AS b\nWORKDIR "/"\nCOPY x /x\nWORKDIR /y\n',
        trace(vertex(base), vertex("[b 2/3] COPY x /x", base, at=(1, 2))),
        trace(vertex("[b 3/3] WORKDIR /y", "[b 2/3] COPY x /x", at=(2, 3), cached=True)),
    )
    assert outcomes(events) == {2: MISS, 3: HIT}


def test_a_trigger_that_comes_first_in_a_stage_of_a_stage_is_no_step() -> None:
    base = "[p 1/2] FROM docker.io/library/i"
    events = told(
        "FROM i AS p\nRUN a\nONBUILD RUN a\nFROM p\nRUN a\n",
        trace(vertex(base), vertex("[p 2/2] RUN a", base, at=(1, 2))),
        trace(vertex("[stage-1 1/1] RUN a", "[p 2/2] RUN a", digest="first", at=(2, 3))),
        trace(vertex("[stage-1 2/1] RUN a", "first", digest="second", at=(3, 4), cached=True)),
    )
    assert [one for one in outcomes(events).items() if one[0] == 4][-1] == (4, HIT)


@pytest.mark.parametrize(
    "name",
    [
        "[2/2] RUN x",
        "[ 2/12] RUN x",
        "[s  2/12] RUN x",
        "[linux/amd64 2/2] RUN x",
        "[linux/arm/v7 s 2/2] RUN x",
    ],
)
def test_a_platform_may_stand_before_the_stage(name: str) -> None:
    assert outcomes(told("FROM i AS s\nRUN x\n", trace(vertex(name, at=(1, 2))))) == {1: MISS}


def test_intervals_are_told_once_and_the_last_flag_counts() -> None:
    name = "[1/1] RUN x"
    again = trace(vertex(name, "input", at=(1, 2)))
    last = trace(vertex(name, at=(3, 4), cached=True))
    events = told("FROM scratch\nRUN x\n", trace(vertex(name, "input")), again, again, last, last)
    spans = [e.clock for e in events if isinstance(e, StepStarted | StepEnded)]
    assert spans == [1.0, 2.0, 3.0, 4.0]
    assert outcomes(events) == {1: HIT}


def test_fetching_the_layers_of_a_hit_is_no_miss() -> None:
    """As docker 28.5.2 told of a hit in a registry's cache that a later RUN needed (trimmed)."""
    text = "FROM i\nCOPY a /\nCOPY go.mod /\nRUN x\n"
    name, base = "[4/4] RUN x", "[3/4] COPY go.mod /"
    hit = trace(vertex(name, base, at=(2, 3), cached=True))
    fetched = [trace(vertex(name, at=(at, at + 1))) for at in (4, 6)]
    told_of_all = told(text, trace(vertex(base, "from"), vertex(name, base)), hit, *fetched)
    assert outcomes(told_of_all) == {3: HIT}
    assert [e.clock for e in told_of_all if isinstance(e, StepEnded)] == [3.0, 5.0, 7.0]
    again = trace(vertex(name, base, at=(8, 9)))  # it could not be fetched, and was run
    assert outcomes(told(text, trace(vertex(name, base)), hit, *fetched, again)) == {3: MISS}


def test_a_step_cached_only_because_a_later_one_failed_is_skipped() -> None:
    first, second = "[1/2] RUN x", "[2/2] COPY nope /"
    marks = trace(
        vertex(first, at=(5, 5), cached=True),
        vertex(second, first, at=(5, 5), error='"/nope" not found'),
    )
    assert outcomes(told("FROM scratch\nRUN x\nCOPY nope /\n", marks)) == {
        1: SKIPPED,
        2: Outcome.FAILED,
    }
    real = trace(vertex(first, at=(4, 5), cached=True), vertex(second, first, at=(6, 7), error="e"))
    assert outcomes(told("FROM scratch\nRUN x\nCOPY nope /\n", real))[1] is HIT


def test_a_step_that_fails_before_it_starts() -> None:
    events = told("FROM scratch\nRUN x\n", trace(vertex("[1/1] RUN x", error="no active sessions")))
    assert outcomes(events) == {1: Outcome.FAILED}


def test_joining_a_linked_layer_is_not_the_copy() -> None:
    copied = vertex("[1/1] COPY --link a /a", at=(1, 2), cached=True)
    joined = vertex("[1/1] LINK COPY --link a /a", at=(3, 4), digest="link")
    events = told("FROM scratch\nCOPY --link a /a\n", trace(copied, joined))
    assert outcomes(events) == {1: HIT}


def test_an_error_that_did_not_fail_the_build_is_a_note() -> None:
    soft = trace(vertex("importing cache manifest from x", at=(1, 2), error="not found"))
    assert any(isinstance(e, Note) for e in told("FROM scratch\n", soft))
    failed = (2.0, {"errorDetail": {"message": "boom: exit code: 3"}, "error": "boom"})
    events = told("FROM scratch\n", soft, failed)
    assert [e.code for e in events if isinstance(e, BuildError)] == [3]
    assert not any(isinstance(e, Note) for e in events)


def test_a_warning_is_a_note_told_once() -> None:
    warning = trace(_field(4, _field(1, "v") + _field(3, "JSONArgsRecommended")))
    assert [e.text for e in told("FROM scratch\n", warning, warning) if isinstance(e, Note)] == [
        "JSONArgsRecommended"
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        protobuf.status(data)
    message = {"id": "moby.buildkit.trace", "aux": base64.b64encode(data).decode()}
    list(Decoder(parse("FROM scratch\nRUN x\n")).feed(0.0, message))


@given(st.dictionaries(st.sampled_from(["id", "aux", "stream", "error", "errorDetail"]), st.text()))
def test_any_message_is_survived(message: dict[str, Any]) -> None:
    list(Decoder(parse("FROM scratch\nRUN x\n")).feed(0.0, message))
