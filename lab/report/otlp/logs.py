"""A run's log: a record for each build and warning, and the last lines of each step that failed.

Records name the span of their build or step, so that a log is found from its trace and the other
way round. Secrets are masked as `lab diagnose` masks them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.host.monitor.fitness import is_fit
from lab.model.events import Outcome
from lab.model.record import Build, Step
from lab.model.trace_context import TraceContext
from lab.report.otlp.spans import nanoseconds
from lab.results.diagnosis.output import logged
from lab.results.diagnosis.secrets import masked
from lab.results.diagnosis.templates import clean
from lab.results.runs import StoredRun

LAST_LINES = 100  # of a failed step; `lab diagnose` reads all of them
Severity = Literal["INFO", "WARN", "ERROR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record. ``at`` is in nanoseconds since 1970; ``span`` is that of the run's trace."""

    at: int
    severity: Severity
    body: str
    event: str
    span: str
    attributes: Mapping[str, str]


def records(stored: StoredRun, context: TraceContext) -> Iterator[LogRecord]:
    """The records of a run, its builds in their order."""
    run = stored.run
    common = {"cicd.pipeline.name": run.scenario.name, "cicd.pipeline.run.id": run.id}
    ended = nanoseconds(run.finished or run.started)
    for build in stored.builds:
        if build.started and build.wall_s is not None:
            yield from _of_build(stored, build, context, common)
    for text in (*run.warnings, *run.broken):
        yield LogRecord(
            at=ended,
            severity="WARN",
            body=masked(text),
            event="lab.warning",
            span=context.span(),
            attributes=common,
        )


def _of_build(
    stored: StoredRun, build: Build, context: TraceContext, common: Mapping[str, str]
) -> Iterator[LogRecord]:
    start = nanoseconds(build.started or "")
    told = {f"lab.cell.{axis}": value for axis, value in build.cell.items()}
    told |= {**common, "cicd.pipeline.task.name": build.phase}
    for step in build.steps:
        if step.outcome is Outcome.FAILED:
            of_step = {**told, "cicd.pipeline.task.run.id": f"{build.id}/{step.index}"}
            for at, line in _last_lines(stored, build, step):
                yield LogRecord(
                    at=start + round(at * 1e9),
                    severity="ERROR",
                    body=line,
                    event="lab.step.output",
                    span=context.span("step", build.id, str(step.index)),
                    attributes=of_step,
                )
    what = f"{build.phase} {build.cell.get('engine', '')}".strip()
    why = f": {masked(build.reason)}" if build.reason else ""
    severity: Severity = (
        "ERROR" if build.status != "ok" else "WARN" if not is_fit(build.fit) else "INFO"
    )
    yield LogRecord(
        at=start + round((build.wall_s or 0.0) * 1e9),
        severity=severity,
        body=f"{what}: {build.status} after {build.wall_s:.3f} s{why}",
        event="lab.build",
        span=context.span("build", build.id),
        attributes={**told, "cicd.pipeline.task.run.id": build.id},
    )


def _last_lines(stored: StoredRun, build: Build, step: Step) -> Iterator[tuple[float, str]]:
    """The last lines that the step printed, with the seconds after the build's start."""
    held = b""
    last: deque[tuple[float, bytes]] = deque(maxlen=LAST_LINES)
    for event in logged(stored.folder, build):
        if event.step == step.index:
            *whole, held = (held + event.data).split(b"\n")
            last.extend((event.at, line) for line in whole)
    if held:
        last.append((last[-1][0] if last else step.started_s or 0.0, held))
    for at, line in last:
        if text := clean(line.decode("utf-8", "replace")):
            yield at, masked(text)
