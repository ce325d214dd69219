"""A scenario measured before someone's eyes, and its reports written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from lab.model.trace_context import TraceContext
from lab.report import formats
from lab.report.formatting import one_line
from lab.report.progress import ProgressView
from lab.results import question
from lab.results.runs import StoredRun
from lab.runner.fleet.security import Place
from lab.runner.options import Collector, Options
from lab.runner.session import Session
from lab.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a run says what it does; ``quiet``: in plain lines, without the live view."""

    stream: TextIO
    quiet: bool


def measure(scenario: Scenario, settings: Options, view: View) -> StoredRun:
    """Run all of it."""
    question.expect(scenario.axes, settings.baseline)
    with watched(scenario, settings, view) as session:
        return session.drive(session.trials())


@contextmanager
def watched(
    scenario: Scenario,
    settings: Options,
    view: View,
    resumed: StoredRun | None = None,
    *,
    more: bool = False,
) -> Iterator[Session]:
    """Open it, or go on with it; write its reports once it is driven."""
    at_most = scenario.until is not None
    with ProgressView(view.stream, quiet=view.quiet, at_most=at_most) as watcher:
        opened = Session.open(
            scenario,
            settings,
            say=watcher.say,
            watcher=watcher,
            resumed=resumed,
            more=more,
        )
        with opened as session:
            yield session
    if session.stored is not None:
        formats.write_defaults(session.stored)
        send_telemetry(session.stored, settings.collector, view)


def measure_over(
    where: Place, scenario: Scenario, settings: Options, view: View, resumed: StoredRun | None
) -> StoredRun:
    """Run all of it on a fleet, or go on with it there."""
    from lab.runner.fleet import require

    require()
    from lab.runner.fleet.session import run

    question.expect(scenario.axes, settings.baseline)
    with ProgressView(view.stream, quiet=view.quiet, at_most=scenario.until is not None) as watcher:
        stored = run(scenario, settings, where, say=watcher.say, watcher=watcher, resumed=resumed)
    formats.write_defaults(stored)
    send_telemetry(stored, settings.collector, view)
    return stored


def send_telemetry(stored: StoredRun, collector: Collector | None, view: View) -> None:
    """Send the run's trace, figures and log, as far as asked for, and say what did not arrive."""
    if collector is None:
        return
    from lab.report.otlp.figures import figures
    from lab.report.otlp.logs import records
    from lab.report.otlp.sending import Parcel, send_all
    from lab.report.otlp.spans import spans

    context = TraceContext.of(stored.run.id, collector.traceparent)
    values: dict[str, Iterator[Any]] = {
        "traces": spans(stored, context),
        "metrics": figures(stored),
        "logs": records(stored, context),
    }
    parcels = [
        Parcel(signal, list(values[signal]), endpoint, context.trace_id)
        for signal, endpoint in collector.endpoints.items()
    ]
    failures = send_all(parcels)
    if "traces" in collector.endpoints and "traces" not in failures:
        view.stream.write(f"trace: {context.trace_id}\n")
    for signal, failed in failures.items():
        left_out = f"OTEL_{signal.upper()}_EXPORTER=none leaves them out"
        said = one_line(f"warning: the run's {signal}: {failed}", 400)
        view.stream.write(f"{said}; {left_out}\n")
