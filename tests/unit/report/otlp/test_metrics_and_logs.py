"""A run's figures and its log, as a collector receives them beside the trace."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from prometheus_client.parser import text_string_to_metric_families

from lab.cli.api.measuring import View, send_telemetry
from lab.report.otlp.logs import LAST_LINES
from lab.report.otlp.settings import collector as chosen
from lab.report.tool_formats import prometheus
from lab.results.runs import StoredRun
from tests import log_runs
from tests.collectors import Collector, attributes, collector
from tests.log_runs import Log, Printed

SECRET = "ghp_0123456789abcdefghijklmnop"  # noqa: S105 - nobody's
LINES = tuple((n / 100, f"line {n}") for n in range(300))
# What a collector makes of a unit in the name of a Prometheus series:
# https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
SUFFIXES = {"s": "_seconds", "By": "_bytes", "1": "_ratio", "": ""}


@pytest.fixture
def stored(tmp_path: Path) -> StoredRun:
    """A run of a build that goes well and of one whose second step fails, printing a secret."""
    well = [Printed("make", Log(1.0, 0, ((0.5, "all of it"),)))]
    bad = Printed("make check", Log(4.0, 2, (*LINES, (3.5, f"token={SECRET}"))))
    return log_runs.write(tmp_path, "shop", [well, [*well, bad]], warnings=("the disk is slow",))


def sent(stored: StoredRun, seen: Collector) -> str:
    """What is said when the run is sent."""
    said = io.StringIO()
    send_telemetry(stored, chosen(seen.url, {}), View(stream=said, quiet=True))
    return said.getvalue()


def series(metrics: list[Metric]) -> dict[tuple[str, frozenset[tuple[str, object]]], float]:
    """The series that Prometheus has of them in the end."""
    return {
        (
            metric.name.replace(".", "_") + SUFFIXES[metric.unit],
            frozenset(attributes(point).items()),
        ): getattr(point, point.WhichOneof("value"))
        for metric in metrics
        for point in metric.gauge.data_points
    }


@pytest.mark.slow
def test_the_figures_are_the_series_of_the_scrape(stored: StoredRun) -> None:
    with collector() as seen:
        sent(stored, seen)
    scraped = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(prometheus([stored]))
        for sample in family.samples
    }
    found = series(seen.metrics)
    assert found == pytest.approx(scraped)
    assert {"lab_build_wall_seconds", "lab_builds_failed"} <= {name for name, _ in found}
    ended = {point.time_unix_nano for one in seen.metrics for point in one.gauge.data_points}
    assert len(ended) == 1


def test_each_build_has_a_record_and_a_failed_step_its_last_lines(stored: StoredRun) -> None:
    with collector() as seen:
        sent(stored, seen)
    spans = {span.span_id: span for span in seen.spans}
    for record in seen.logs:
        assert record.trace_id == seen.spans[0].trace_id
        about = attributes(record).get("cicd.pipeline.task.run.id")
        assert attributes(spans[record.span_id]).get("cicd.pipeline.task.run.id") == about
    kinds = [record.event_name for record in seen.logs]
    assert kinds.count("lab.build") == 2
    lines = [r.body.string_value for r in seen.logs if r.event_name == "lab.step.output"]
    assert lines == [*(f"line {n}" for n in range(301 - LAST_LINES, 300)), "token=[masked]"]
    well, failed = (r for r in seen.logs if r.event_name == "lab.build")
    assert (well.severity_text, failed.severity_text) == ("INFO", "ERROR")
    assert "returned a non-zero code: 2" in failed.body.string_value
    (warning,) = [r for r in seen.logs if r.event_name == "lab.warning"]
    assert warning.body.string_value == "the disk is slow"
    assert SECRET.encode() not in b"".join(record.SerializeToString() for record in seen.logs)


def test_records_stand_at_the_time_of_their_lines(stored: StoredRun) -> None:
    with collector() as seen:
        sent(stored, seen)
    (step,) = [s for s in seen.spans if s.name == "RUN make check"]
    (last,) = [r for r in seen.logs if "masked" in r.body.string_value]
    assert abs(last.time_unix_nano - step.start_time_unix_nano - 3.5e9) < 1e6


def test_a_collector_of_traces_alone_gets_the_traces(stored: StoredRun) -> None:
    with collector() as seen:
        seen.answers = {"/v1/metrics": 404}
        said = sent(stored, seen)
    assert seen.asked == ["/v1/traces", "/v1/metrics", "/v1/logs"]
    trace, warning = said.splitlines()
    assert trace == f"trace: {seen.spans[0].trace_id.hex()}"
    assert warning.startswith("warning: the run's metrics: 0 of ")
    assert "404" in warning
    assert "OTEL_METRICS_EXPORTER=none" in warning


@pytest.mark.slow
def test_what_does_not_answer_is_asked_once(stored: StoredRun) -> None:
    with collector() as seen:
        seen.wait_s = 1.5
        said = sent(stored, seen)
    assert seen.asked.count("/v1/traces") == len(seen.asked)
    assert "the run's logs: not tried" in said
