"""A scenario measured before someone's eyes, and its reports written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from lab.report import formats
from lab.report.progress import ProgressView
from lab.results import question
from lab.results.runs import StoredRun
from lab.runner.options import Options
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
