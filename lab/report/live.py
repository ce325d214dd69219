"""What happens while it builds: a live view on a terminal, plain lines everywhere else."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from lab.host import signals
from lab.model import cell_names, units
from lab.model.record import Build
from lab.report.colours import BAD, BUSY, DOUBT, GOOD, MARKED
from lab.report.formatting import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live as RichLive

RECENT = 6
MARKS = {"ok": "✓", "failed": "✗", "engine-lost": "✗", "skipped": units.MISSING}


class Progress:
    """How far a run is, as plain numbers: what both views show.

    ``total`` counts the builds to do. Time left is expected from the mean time of those so far.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.finished = 0
        self.name = ""
        self.step = ""
        self.step_number = 0
        self.total_steps = 0
        self._clock = clock
        self._start = clock()
        self._began = self._start
        self._spent: list[float] = []

    def begin(self, cell: Mapping[str, str], phase: str, total_steps: int) -> None:
        """A build starts."""
        self.name = one_line(f"{cell_names.short(cell)}  {phase}", 200)
        self.step, self.step_number, self.total_steps = "", 0, total_steps
        self._began = self._clock()

    def at_step(self, name: str) -> None:
        """A step of the build starts."""
        self.step = one_line(name, 200)
        self.step_number += 1

    def done(self, build: Build) -> None:
        """A build has ended, or was skipped without having begun."""
        self.finished += 1
        if build.status != "skipped":
            # From begin to done: what lies between builds costs the user time, too.
            self._spent.append(self._clock() - self._began)
        self.name = self.step = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the run began to build."""
        return self._clock() - self._start

    @property
    def left(self) -> float | None:
        """Expected seconds until the last build is done; None before the first one is."""
        if not self._spent:
            return None
        rest = max(self.total - self.finished, 0) * statistics.fmean(self._spent)
        return max(rest - (self._clock() - self._began if self.name else 0), 0.0)


class Live:
    """Shows a run's progress while it is entered; writes to standard error unless told otherwise.

    A terminal gets a view of a few lines that renews itself; a pipe, or ``quiet``, one line for
    each build that is done.
    """

    def __init__(
        self,
        total: int,
        *,
        stream: TextIO | None = None,
        quiet: bool = False,
        at_most: bool = False,
    ) -> None:
        self._about = "at most" if at_most else "about"
        self.progress = Progress(total)
        self._stream = stream or sys.stderr
        self._recent: list[tuple[str, str]] = []
        self._open = ""
        self._view: RichLive | None = None
        if self._stream.isatty() and not quiet:
            self._view = self._rich_view()

    def begin(self, build_id: str, cell: Mapping[str, str], phase: str, total_steps: int) -> None:
        """A build of this cell and phase starts; ``total_steps`` is how many it can have."""
        del build_id  # the cell and the phase say more to a reader
        self.progress.begin(cell, phase, total_steps)

    def step(self, name: str) -> None:
        """A step of the build starts."""
        self.progress.at_step(name)

    def done(self, build: Build) -> None:
        """A build ended or was skipped."""
        self.progress.done(build)
        line = _line(build)
        if self._view is None:
            self._say(f"[{self.progress.finished}/{self.progress.total}] {line}, {self._time()}")
        else:
            self._recent = [*self._recent, (build.status, line)][-RECENT:]

    def skipped(self, build: Build) -> None:
        """A build is left out that was not among those to do."""
        if self._view is None:
            self._say(_line(build))
        else:
            self._recent = [*self._recent, (build.status, _line(build))][-RECENT:]

    def open(self, comparisons: Sequence[str]) -> None:
        """The comparisons that are not decided yet."""
        said = ", ".join(one_line(name, 60) for name in comparisons)
        self._open = f"open: {said}" if said else "every comparison is decided"
        if self._view is None:
            self._say(one_line(self._open, 300))

    def say(self, text: str) -> None:
        """Something else worth a line: a base being made, an engine starting."""
        text = one_line(text, 300)
        if self._view is None:
            self._say(text)
        else:
            from rich.text import Text

            self._view.console.print(Text(text, style="dim"))

    def __enter__(self) -> Self:
        if self._view is not None:
            self._view.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._view is not None:
            self._view.stop()

    def _say(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    def _time(self) -> str:
        left = self.progress.left
        rest = "" if left is None else f", {self._about} {_clock(left)} left"
        return f"elapsed {_clock(self.progress.elapsed)}{rest}"

    def _rich_view(self) -> RichLive:
        from rich.live import Live as RichLive

        from lab.report.terminal import console

        out: Console = console(self._stream)
        # Four times a second: more would take processor time from the builds that are measured.
        return RichLive(
            get_renderable=self._render, console=out, refresh_per_second=4, transient=True
        )

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = self.progress
        lines: list[RenderableType] = []
        for status, line in self._recent:
            style = {"ok": GOOD, "skipped": "dim"}.get(status, BAD)
            mark = Text(f"{MARKS[status]} ", style=style, no_wrap=True, overflow="ellipsis")
            lines.append(mark.append(line, style="default"))
        if signals.ending():  # what was written to the terminal meanwhile, this view has overdrawn
            lines.append(_cut("stopping: clearing the engines away, which takes a moment", DOUBT))
        elif state.name:
            lines.append(_cut(f"▸ {state.name}", "bold"))
            count = f"{state.step_number}/{state.total_steps}"
            lines.append(
                _cut(f"  step {count}  {state.step}" if state.step else "  starting", BUSY)
            )
        if self._open:
            lines.append(_cut(self._open, MARKED))
        foot = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(state.total, 1), completed=state.finished, width=20)
        text = f"{state.finished}/{state.total} builds, {self._time()}"
        foot.add_row(bar, Text(text, no_wrap=True, overflow="ellipsis"))
        return Group(*lines, foot)


def _cut(text: str, style: str) -> RenderableType:
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _line(build: Build) -> str:
    where = one_line(f"{cell_names.short(build.cell)} {build.phase} round {build.round}", 160)
    if build.status != "ok":
        return f"{where}: {build.status}: {one_line(build.reason or 'no reason given', 160)}"
    hits = ""
    if build.cache is not None and build.cache.rate is not None:
        hits = f", hits {build.cache.hits}/{build.cache.hits + build.cache.misses}"
    return f"{where}: {units.seconds(build.wall_s)}{hits}"


def _clock(value: float) -> str:
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02}"
