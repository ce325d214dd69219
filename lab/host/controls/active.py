"""The controls of a run: applied before it, kept while it goes on, undone at its end.

Each is applied where the host allows, read back to see that it took hold, and recorded; what the
host lacks is recorded with the reason, and the run goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from lab.host import paths, signals
from lab.host.cgroups import Group
from lab.host.controls import page_cache, pressure, values
from lab.host.controls.journal import Journal, sweep
from lab.host.controls.types import Control, Controls, PageCache
from lab.host.controls.undo import Say

EVERY_PHASE = "*"


class ActiveControls:
    """The controls of a run while it goes on. ``outcomes`` says what became of each."""

    def __init__(self, asked: Controls, storage: Mapping[str, Path | None], journal: Journal):
        self._asked, self._storage, self._journal = asked, storage, journal
        self.outcomes: list[Control] = []

    @property
    def disturbs(self) -> frozenset[str]:
        """The rules of lab.host.monitor.fitness that the scenario itself asks to be broken."""
        applied = {control.name for control in self.outcomes if control.state == "applied"}
        return frozenset({"memory"}) if applied & {"memory", "memory-pressure"} else frozenset()

    def prepare_page_cache(self, phase: str, engine: str) -> PageCache | None:
        """Drop or warm the page cache before a build, as asked; None where it did not take hold."""
        wish = self._asked.page_cache.get(phase, self._asked.page_cache.get(EVERY_PHASE))
        if wish is None:
            return None
        reason, held = page_cache.prepare(wish, self._storage.get(engine), self._journal)
        self._record(
            Control(
                name="page-cache",
                asked=wish,
                state="applied" if reason is None else "unavailable",
                reason=reason,
                engine=engine,
                held=held,
            )
        )
        return wish if reason is None else None

    def _record(self, control: Control) -> None:
        """A control that is repeated is recorded once, and once more where it fails later."""
        same = [replace(known, held=control.held) for known in self.outcomes]
        if control not in same:
            self.outcomes.append(control)


@contextmanager
def hold(
    asked: Controls, engines: Mapping[str, Group | None], *, say: Say, root: Path = Path("/")
) -> Iterator[ActiveControls]:
    """Apply the controls for the engines with these groups; undo everything at the end.

    What a killed lab left is undone first, also where nothing is asked for. ``root`` is where
    the host's own files are looked for.
    """
    sweep(paths.controls_dir(), say)
    folders = {name: None if group is None else storage(group) for name, group in engines.items()}
    with Journal(paths.controls_dir(), say) as journal:
        active = ActiveControls(asked, folders, journal)
        pressing = None
        try:
            for change in values.wanted(asked, engines, folders, root):
                active.outcomes.append(_applied(change, journal))
            if asked.cpus is not None:
                _step_aside(asked.cpus, journal)
            if asked.memory_pressure is not None:
                outcome, pressing = pressure.press(asked.memory_pressure, journal)
                active.outcomes.append(Control(**outcome))
            for control in active.outcomes:
                if control.state == "unavailable":
                    say(f"warning: {control.name} {control.asked} unavailable: {control.reason}")
            yield active
        finally:
            with signals.shielded():
                journal.restore()
                if pressing is not None:
                    pressing.wait()


def storage(group: Group) -> Path:
    """The folder of the private engine with this group."""
    return paths.state_dir() / group.name.removeprefix("lab-")


def survey(root: Path = Path("/")) -> tuple[Control, ...]:
    """Which controls this host offers; changes nothing."""
    return tuple(
        Control(
            name=name,
            asked="",
            state="applied" if reason is None else "unavailable",
            reason=reason,
        )
        for name, reason in (
            *values.offered(root),
            ("memory-pressure", pressure.lacking()),
            ("page-cache", page_cache.lacking()),
        )
    )


def _applied(change: values.Change | values.Unavailable, journal: Journal) -> Control:
    about: dict[str, Any] = {
        "name": change.name,
        "asked": change.asked,
        "engine": change.engine,
    }
    if isinstance(change, values.Unavailable):
        return Control(**about, state="unavailable", reason=change.reason)
    problem, was, held = values.apply(change, journal)
    state: Literal["applied", "unavailable"] = "applied" if problem is None else "unavailable"
    return Control(**about, state=state, reason=problem or change.remark, was=was, held=held)


def _step_aside(cpus: str, journal: Journal) -> None:
    """Take the lab itself off the engine's CPUs, where that leaves it any."""
    rest = (own := os.sched_getaffinity(0)) - values.cpu_numbers(cpus)
    if rest:
        journal.affinity(own)
        with suppress(OSError):
            os.sched_setaffinity(0, rest)
