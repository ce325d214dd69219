"""A run's events shown as they come: the runner's stream feeds the live view and live.json."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from lab.model import events, units
from lab.report.formatting import one_line
from lab.report.live import Live
from lab.report.live_state import LiveStateWriter
from lab.runner import runner
from lab.scenario.plan import Trial


class ProgressView:
    """Prints what is being prepared, and from the first build on shows the live view."""

    def __init__(self, stream: TextIO, *, quiet: bool, at_most: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._at_most = at_most  # rounds end once all is decided: there may be fewer builds
        self._live: Live | None = None
        self._live_state: LiveStateWriter | None = None
        self._began: runner.BuildStarted | None = None
        self._shown: set[int] = set()
        self._skipped: set[str] = set()  # of builds that no engine can, known before the first
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """A line about what is being done."""
        if self._live is None:
            self._stream.write(one_line(text, 300) + "\n")
            self._stream.flush()
        else:
            self._live.say(text)

    def begin(self, trials: Sequence[Trial], folder: Path) -> None:
        """The builds are about to start; their run's folder is this."""
        skipped = [trial for trial in trials if trial.skip is not None]
        self._skipped = {trial.build_id(phase) for trial in skipped for phase in trial.phases}
        total = sum(len(trial.phases) for trial in trials) - len(self._skipped)
        spent = f"set up in {time.monotonic() - self._start:.0f} s"
        most = "up to " if self._at_most else ""
        beside = f", {len(self._skipped)} skipped" if self._skipped else ""
        self.say(f"{spent}; {most}{units.counted(total, 'build')} to do{beside}")
        self._live = Live(total, stream=self._stream, quiet=self._quiet, at_most=self._at_most)
        self._live.__enter__()
        self._live_state = LiveStateWriter(folder, total)

    def see(self, event: runner.RunEvent) -> None:
        """One event, in its order."""
        if self._live is None or self._live_state is None:
            return
        if isinstance(event, runner.BuildFinished) and event.build.id in self._skipped:
            self._live.skipped(event.build)
            return
        self._live_state.see(event)
        match event:
            case runner.BuildStarted():
                self._began, self._shown = event, set()
                steps = len(event.dockerfile.instructions)
                cell, phase = event.trial.cell.axes, event.phase.name
                self._live.begin(event.build_id, cell, phase, steps)
            case events.StepStarted(step=step) if self._began and step not in self._shown:
                self._shown.add(step)
                self._live.step(self._began.dockerfile.instructions[step].text)
            case runner.BuildFinished(build=build):
                self._live.done(build)
            case _:
                pass

    def open(self, comparisons: Sequence[str]) -> None:
        """The comparisons that are not decided yet."""
        if self._live is not None:
            self._live.open(comparisons)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live_state is not None:
            self._live_state.close()
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
