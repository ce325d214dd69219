"""A run as a trace, as a collector receives it; and what is said where none does."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from opentelemetry.semconv._incubating.attributes import cicd_attributes, vcs_attributes

from lab.cli.main import main
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.trace_context import TraceContext
from lab.report.otlp.logs import records
from lab.report.otlp.sending import Parcel, send, send_all
from lab.report.otlp.settings import collector as chosen
from lab.report.otlp.spans import spans
from lab.results import runs
from lab.results.runs import StoredRun
from tests import factories, whole_trace
from tests.collectors import collector

DEMO = Path(__file__).parents[4] / "scenarios/layer-cache.yaml"
# What needs an archive or an engine in the demo, and what stands for it.
SIMULATED = {
    "engines: [docker, podman]": "engines: [simulated]",
    "bases: [bookworm]": 'bases: [{image: "registry.example/base:1", name: ours}]',
    'toolchains: ["1.22.10"]\n': "",
}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ran(folder: Path, *arguments: str) -> StoredRun:
    """One round of the demo by the command line, on the simulated engine."""
    results, scenario = folder / "results", folder / "demo.yaml"
    text = DEMO.read_text()
    for old, new in SIMULATED.items():
        assert old in text
        text = text.replace(old, new)
    scenario.write_text(text)
    argv = ["run", str(scenario), "--rounds", "1", "--quiet", *arguments]
    with pytest.raises(SystemExit) as ended:
        main([*argv, "--results", str(results)])
    assert ended.value.code == 0
    return runs.load("latest", results)


@pytest.mark.slow
def test_every_build_and_step_arrives_once_below_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    with collector() as seen:
        stored = ran(tmp_path, "--otlp", seen.url)
    assert seen.services == {"lab"}
    root = whole_trace.hold(seen.spans, stored)
    assert {span.trace_id.hex() for span in seen.spans} == {PARENT[3:35]}
    assert "trace: 0af7651916cd43dd8448eb211c80319c" in capsys.readouterr().out
    assert root.parent_span_id.hex() == PARENT[36:52]
    hits = [s for b in stored.builds for s in b.steps if s.outcome is Outcome.HIT]
    assert hits, "the cached steps, which daemons leave out, are not tried here"


def test_attributes_are_those_of_the_conventions() -> None:
    known = {
        value
        for module in (cicd_attributes, vcs_attributes)
        for name, value in vars(module).items()
        if name.isupper()
    }
    stored = StoredRun(
        run=factories.run(), builds=(factories.build(started="2026-11-23T10:15:03.000+00:00"),),
        folder=Path(),
    )  # fmt: skip
    used = {name for one in spans(stored, TraceContext.of("r")) for name in one.attributes}
    assert not {name for name in used if not name.startswith("lab.")} - known
    assert "cicd.pipeline.task.run.result" in used


def failed_run() -> StoredRun:
    build = factories.build(
        status="failed",
        reason="exit code: 2",
        started="2026-11-23T10:15:03.000+00:00",
        steps=(factories.step(1, "RUN make", outcome=Outcome.FAILED, error="exit code: 2"),),
    )
    return StoredRun(run=factories.run(), builds=(build,), folder=Path())


def traces(url: str) -> Parcel:
    """A failed run's trace for a collector."""
    made = list(spans(failed_run(), TraceContext.of("r")))
    return Parcel("traces", made, f"{url}/v1/traces", TraceContext.of("r").trace_id)


def parcels(url: str) -> list[Parcel]:
    """A failed run's trace and log."""
    context = TraceContext.of("r")
    said = list(records(failed_run(), context))
    return [traces(url), Parcel("logs", said, f"{url}/v1/logs", context.trace_id)]


def test_what_cannot_be_made_is_no_arrival() -> None:
    with collector() as seen:
        failed = send(Parcel("logs", ["no record"], f"{seen.url}/v1/logs"))
    assert failed is not None
    assert failed.startswith("0 of 1 log records arrived: AttributeError")


def test_a_failure_is_an_error_with_its_reason() -> None:
    with collector() as seen:
        assert send(traces(seen.url)) is None
    wrong = [span for span in seen.spans if span.status.code == Status.STATUS_CODE_ERROR]
    assert [span.status.message for span in wrong] == ["exit code: 2", "exit code: 2"]


@pytest.mark.parametrize(("answer", "said"), [(404, "404"), (503, "timeout"), (302, "redirect")])
def test_what_did_not_arrive_is_said(answer: int, said: str) -> None:
    with collector() as seen:
        seen.answer = answer
        failed = send(traces(seen.url))
    assert failed is not None
    assert failed.startswith("0 of 4 spans arrived")
    assert said in failed


@pytest.mark.slow
@pytest.mark.timing
@pytest.mark.parametrize("kind", ["refuses", "accepts and is silent", "takes long"])
def test_a_dead_collector_costs_a_second_at_most(kind: str) -> None:
    send(traces("http://127.0.0.1:9"))  # imports are not what is measured
    with collector() as seen, socket.create_server(("127.0.0.1", 0)) as mute:
        seen.wait_s = 2.0
        address = {
            "refuses": "http://127.0.0.1:9",
            "accepts and is silent": f"http://127.0.0.1:{mute.getsockname()[1]}",
            "takes long": seen.url,
        }[kind]
        start = time.monotonic()
        failed = send_all(parcels(address))
        assert time.monotonic() - start < 1.2
    assert set(failed) == {"traces", "logs"}


@pytest.mark.slow
def test_a_run_whose_collector_is_dead_ends_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = ran(tmp_path, "--otlp", "http://127.0.0.1:9")
    assert stored.run.status == "complete"
    assert "warning: the run's traces: 0 of " in capsys.readouterr().out


def test_ids_follow_from_the_run_and_the_parent_from_the_environment() -> None:
    one, other = TraceContext.of("a", PARENT), TraceContext.of("a", "nonsense")
    assert (one.trace_id, one.parent) == (PARENT[3:35], PARENT[36:52])
    assert other.parent is None
    assert TraceContext.of("a") == other != TraceContext.of("b")
    assert one.traceparent("b1") == f"00-{one.trace_id}-{one.span('build', 'b1')}-01"
    assert TraceContext.of("a", f"00-{'0' * 32}-{'0' * 16}-01") == other


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, "traces metrics logs"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x/y"}, "traces"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x/y"}, "metrics"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, ""),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
            "metrics logs",
        ),
    ],
)
def test_the_usual_variables_decide(environ: dict[str, str], signals: str) -> None:
    found = chosen(None, environ)
    assert (found.endpoints if found else {}) == dict.fromkeys(signals.split())


def test_an_address_without_a_path_gets_otlps() -> None:
    for asked in ("http://x:4318", "http://x:4318/", "http://x:4318/v1/traces"):
        found = chosen(asked, {})
        assert found is not None
        assert list(found.endpoints.values()) == [
            f"http://x:4318/v1/{signal}" for signal in ("traces", "metrics", "logs")
        ]
    found = chosen("https://x/otlp?key=1", {})
    assert found is not None
    assert found.endpoints == {"traces": "https://x/otlp?key=1"}


@pytest.mark.parametrize(
    ("asked", "environ"),
    [
        ("localhost:4318", {}),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
    ],
)
def test_what_cannot_be_sent_to_is_refused(asked: str | None, environ: dict[str, str]) -> None:
    with pytest.raises(InputError) as refused:
        chosen(asked, environ)
    assert refused.value.remedy
