"""BuildKit's own spans as a recorded build: real ones, of dockerd 28.5, and broken ones."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest

from lab.engines.recorded import files
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.runner.recorded_builds import Found, found, source

GOLDEN = Path(__file__).parents[2] / "golden" / "imported"
COLD = "docker28-cold.otlp.json"


def read(name: str) -> Found:
    path = GOLDEN / name
    (one,) = files.read(path, None, None)
    return found(one, source(path), {})


@pytest.mark.parametrize(
    ("name", "status", "outcomes"),
    [
        (COLD, "ok", ["miss", "miss", "miss", "miss"]),
        ("docker28-warm.otlp.json", "ok", ["hit"]),
        ("docker28-edit.otlp.json", "ok", ["hit", "miss"]),
        ("docker28-fail.otlp.json", "failed", ["hit", "failed"]),
    ],
)
def test_steps_are_those_that_have_spans(name: str, status: str, outcomes: list[str]) -> None:
    one = read(name)
    assert one.build.status == status
    assert [step.outcome for step in one.build.steps] == [Outcome(each) for each in outcomes]
    # What a cache gave before its last step has no span: a hit rate would be of something else.
    assert one.build.cache is None
    assert any("which steps a cache gave" in part for part in one.lacks)


def test_times_are_those_of_the_spans() -> None:
    one = read(COLD)
    spans = {
        span["name"]: span
        for line in (GOLDEN / COLD).read_text().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }

    def at(name: str, which: str) -> float:
        return int(spans[name][f"{which}TimeUnixNano"]) / 1e9

    assert one.started == pytest.approx(at("POST /build", "start"))
    assert one.build.wall_s == pytest.approx(at("POST /build", "end") - one.started)
    for step, name in zip(
        one.build.steps,
        ("[files 1/2] COPY a /a", "[files 2/2] COPY b /b",
         "[stage-1 1/2] COPY --from=files /a /x", "[stage-1 2/2] COPY c /c"),
        strict=True,
    ):  # fmt: skip
        assert name.endswith(step.instruction)
        assert step.started_s == pytest.approx(at(name, "start") - one.started, abs=1e-5)
        assert step.duration_s == pytest.approx(at(name, "end") - at(name, "start"), abs=1e-5)


def test_a_failed_step_has_its_error() -> None:
    one = read("docker28-fail.otlp.json")
    assert "exit code: 1" in (one.build.steps[1].error or "")
    assert "exit code: 1" in (one.build.reason or "")


def test_several_traces_of_one_file_are_as_many_builds() -> None:
    data = b"".join(path.read_bytes() for path in sorted(GOLDEN.glob("docker28-*.otlp.json")))
    made = list(files.builds(BytesIO(data), "all"))
    assert len({one.key for one in made}) == len(made) == 4


@pytest.mark.parametrize(
    "line",
    [
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a"}]}]}]}',
        '{"resourceSpans": 3}',
        '{"resourceSpans": [',
        '{"resourceSpans": []}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a", "name": "[1/1] RUN x", '
        '"startTimeUnixNano": "-4", "endTimeUnixNano": "x"}]}]}]}',
    ],
)
def test_what_is_no_trace_of_a_build_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(InputError, match="file") as refused:
        list(files.builds(BytesIO(line.encode()), "file"))
    assert refused.value.remedy
