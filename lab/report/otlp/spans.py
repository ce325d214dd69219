"""The spans of a run, made of its records: run, cell, build, step. Pure.

Attributes are those of OpenTelemetry's conventions for CI/CD and version control where there are
any (https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/); the rest begins with ``lab.``.
Steps that a cache gave are among them, which daemons' own traces leave out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lab.model import cell_names
from lab.model.events import Outcome
from lab.model.record import Build, Run, Step
from lab.model.trace_context import TraceContext
from lab.results.runs import StoredRun

Value = str | bool | int | float
_RESULTS = {"ok": "success", "failed": "failure", "skipped": "skip", "engine-lost": "error"}
_STEPS = {Outcome.FAILED: "failure", Outcome.SKIPPED: "skip"}
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span. Ids are hexadecimal digits; times are nanoseconds since 1970. ``error`` is why it
    failed; None where it did not.
    """

    name: str
    trace_id: str
    span_id: str
    parent: str | None
    start: int
    end: int
    attributes: Mapping[str, Value]
    error: str | None = None


def spans(stored: StoredRun, context: TraceContext) -> Iterator[Span]:
    """A run's spans, parents first. Builds that were not begun, such as skipped ones, have none."""
    run = stored.run
    builds = [build for build in stored.builds if build.started and build.wall_s is not None]
    begun = [_start(build) for build in builds]
    ends = [_end(build) for build in builds]
    start = min([nanoseconds(run.started), *begun])
    end = max([nanoseconds(run.finished) if run.finished else start, *ends])
    yield Span(
        name=f"BUILD {run.scenario.name}",
        trace_id=context.trace_id,
        span_id=context.span(),
        parent=context.parent,
        start=start,
        end=end,
        attributes=_of_run(run),
        error=_failure(run, builds),
    )
    cells: dict[str, list[Build]] = {}
    for build in builds:
        cells.setdefault(cell_names.full(dict(build.cell)), []).append(build)
    for name, inside in cells.items():
        yield Span(
            name=name[:_LONGEST_NAME],
            trace_id=context.trace_id,
            span_id=context.span("cell", name),
            parent=context.span(),
            start=min(map(_start, inside)),
            end=max(map(_end, inside)),
            attributes={f"lab.cell.{axis}": value for axis, value in inside[0].cell.items()},
        )
        for build in inside:
            yield from _of_build(build, context, context.span("cell", name))


def nanoseconds(time: str) -> int:
    """A record's time of day, which has milliseconds, since 1970."""
    moment = datetime.fromisoformat(time)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _start(build: Build) -> int:
    return nanoseconds(build.started or "")


def _end(build: Build) -> int:
    return _start(build) + round((build.wall_s or 0.0) * 1e9)


def _of_run(run: Run) -> dict[str, Value]:
    origin = run.origin
    result = {"complete": "success", "failed": "failure", "partial": "cancellation"}[run.status]
    told: dict[str, Value | None] = {
        "cicd.pipeline.name": run.scenario.name,
        "cicd.pipeline.run.id": run.id,
        "cicd.pipeline.action.name": "BUILD",
        "cicd.pipeline.result": result,
        "cicd.pipeline.run.url.full": origin.url,
        "vcs.ref.head.revision": origin.commit,
        "vcs.ref.head.name": origin.branch,
        "vcs.repository.name": origin.repository,
        "vcs.change.id": origin.change,
        "lab.seed": run.seed,
    }
    return _known(told)


def _failure(run: Run, builds: list[Build]) -> str | None:
    if run.status == "failed":
        return next((build.reason for build in builds if build.reason), "every build failed")
    return None


def _of_build(build: Build, context: TraceContext, parent: str) -> Iterator[Span]:
    cache, start = build.cache, _start(build)
    told: dict[str, Value | None] = {
        "cicd.pipeline.task.name": build.phase,
        "cicd.pipeline.task.run.id": build.id,
        "cicd.pipeline.task.run.result": _RESULTS[build.status],
        "cicd.pipeline.task.type": "build",
        "lab.round": build.round,
        "lab.warm_up": build.warm_up,
        "lab.cpu_s": build.cpu_s,
        "lab.cache.hits": cache.hits if cache else None,
        "lab.cache.misses": cache.misses if cache else None,
        "lab.fit": build.fit,
    }
    span_id = context.span("build", build.id)
    yield Span(
        name=f"{build.phase} {build.cell.get('engine', '')}".strip(),
        trace_id=context.trace_id,
        span_id=span_id,
        parent=parent,
        start=start,
        end=_end(build),
        attributes=_known(told) | {f"lab.cell.{axis}": each for axis, each in build.cell.items()},
        error=build.reason or build.status if build.status in {"failed", "engine-lost"} else None,
    )
    for step in build.steps:
        if (made := _of_step(step, build, context, span_id, start)) is not None:
            yield made


def _of_step(
    step: Step, build: Build, context: TraceContext, parent: str, start: int
) -> Span | None:
    if step.outcome is Outcome.SKIPPED or (step.outcome is None and step.started_s is None):
        return None  # it was not done, and metadata of which an engine reports nothing has no time
    begun = start + round((step.started_s or 0.0) * 1e9)
    told: dict[str, Value | None] = {
        "cicd.pipeline.task.name": step.instruction,
        "cicd.pipeline.task.run.id": f"{build.id}/{step.index}",
        "cicd.pipeline.task.run.result": _STEPS.get(step.outcome, "success")
        if step.outcome
        else "success",
        "cicd.pipeline.task.type": "build",
        "lab.step.index": step.index,
        "lab.step.stage": step.stage,
        "lab.step.outcome": step.outcome.value if step.outcome else None,
    }
    return Span(
        name=step.instruction[:_LONGEST_NAME],
        trace_id=context.trace_id,
        span_id=context.span("step", build.id, str(step.index)),
        parent=parent,
        start=begun,
        end=begun + round((step.duration_s or 0.0) * 1e9),
        attributes=_known(told),
        error=step.error or "failed" if step.outcome is Outcome.FAILED else None,
    )


def _known(told: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in told.items() if value is not None}
