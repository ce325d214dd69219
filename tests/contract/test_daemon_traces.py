"""A daemon that exports traces hangs its own below the spans of the lab's builds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lab.cli.main import main
from lab.model.events import Outcome
from lab.model.record import Build, Step
from lab.results import runs
from tests.collectors import Collector, attributes, collector

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")
# The demo's cell on one engine, its trial once.
SCENARIO = """\
name: traced-demo
engines: ["docker@28"]
bases: [bookworm]
toolchains: ["1.22.10"]
layouts: [default]
workload: {packages: 2, lines: 200, depth: 2, seed: 1}
phases: [cold, rebuild, "edit:source"]
rounds: 1
"""
CLOCK_NS = (
    1.5e6  # a record is cut to the millisecond below, and clocks are read one after the other
)


def test_docker_28_joins_the_trace_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, scenario = tmp_path / "results", tmp_path / "demo.yaml"
    scenario.write_text(SCENARIO)
    with collector() as seen:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", seen.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        argv = ["run", str(scenario), "--quiet", "--private", "--results", str(results)]
        with pytest.raises(SystemExit, match="0"):
            main(argv)
        stored = runs.load("latest", results)
    assert len(stored.builds) == 3
    assert {"lab", "dockerd"} <= seen.services
    by_id = {span.span_id: span for span in seen.spans}
    named = {str(attributes(one).get("cicd.pipeline.task.run.id")): one for one in seen.spans}
    (root,) = [one for one in seen.spans if one.name == "BUILD traced-demo"]
    daemons = [one for one in of_service(seen, "dockerd") if one.trace_id == root.trace_id]
    told = 0
    for build in stored.builds:
        ours = named[build.id]
        assert by_id[by_id[ours.parent_span_id].parent_span_id] is root
        (post,) = [one for one in daemons if one.parent_span_id == ours.span_id]
        assert post.name == "POST /build"
        assert inside(post, ours, CLOCK_NS)
        below = [one for one in daemons if one.parent_span_id == post.span_id]
        told += executed(build, named, {one.name: one for one in below})
    assert told >= 5, "hardly a step is told by both"
    hits = [s for b in stored.builds for s in b.steps if s.outcome is Outcome.HIT]
    assert hits, "no cached step is tried here"


def executed(build: Build, named: Mapping[str, Span], below: Mapping[str, Span]) -> int:
    """Each step that was executed is told by both, at the same time; a hit by the lab alone."""
    told = 0
    for step in build.steps:
        theirs = [one for name, one in below.items() if vertex(name, step)]
        if step.outcome is Outcome.HIT:
            assert not theirs, step
        if step.outcome is Outcome.MISS and theirs:
            ours = named[f"{build.id}/{step.index}"]
            for one in theirs:
                assert abs(one.start_time_unix_nano - ours.start_time_unix_nano) < CLOCK_NS, step
                assert abs(one.end_time_unix_nano - ours.end_time_unix_nano) < CLOCK_NS, step
            told += 1
    return told


def vertex(name: str, step: Step) -> bool:
    """Whether a span's name is that of the step, executed: `load cache: [...` is another's."""
    return name.startswith("[") and name.endswith(f"] {step.instruction}")


def inside(span: Span, other: Span, by: float) -> bool:
    return (
        span.start_time_unix_nano >= other.start_time_unix_nano
        and span.end_time_unix_nano <= other.end_time_unix_nano + by
    )


def of_service(seen: Collector, name: str) -> list[Span]:
    return [
        span
        for request in seen.requests
        for resource in request.resource_spans
        if any(one.value.string_value == name for one in resource.resource.attributes)
        for scope in resource.scope_spans
        for span in scope.spans
    ]
