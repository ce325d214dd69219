"""Interleaved A/B trials: the same cells more than once in a run, measured in turn.

Each side is a value of an axis of its own. The sides of a round run in an order that comes from the
seed, so that drift of the machine hits them alike. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lab.dockerfile.edits import InjectedDelay
from lab.results.ab_sides import SIDE
from lab.scenario.plan import Cell, Phase, Trial

Seconds = Callable[[Cell, str], float]


def interleaved(sides: Mapping[str, Sequence[Trial]], seed: int) -> tuple[Trial, ...]:
    """The trials of all sides, round by round."""
    named = [(name, trial) for name, trials in sides.items() for trial in trials]
    named.sort(key=lambda one: (one[1].round, _place(seed, *one)))
    made: list[Trial] = []
    first = 1
    for name, trial in named:
        cell = Cell(axes={**trial.cell.axes, SIDE: name})
        made.append(replace(trial, cell=cell, first=first, label=f"{trial.label}-{name}"))
        first += len(trial.phases)
    return tuple(made)


def _place(seed: int, name: str, trial: Trial) -> str:
    text = json.dumps([seed, trial.round, list(trial.cell.axes.items()), name])
    return hashlib.sha256(text.encode()).hexdigest()


def with_injected_delay(trials: Sequence[Trial], seconds: Seconds) -> tuple[Trial, ...]:
    """The trials with one more step in every build, which works for so long.

    A control that works for no time has the step as well: so sides differ in the work alone.
    """
    return tuple(
        replace(
            trial,
            phases=tuple(
                _delayed(phase, seconds(trial.cell, phase.name)) for phase in trial.phases
            ),
        )
        for trial in trials
    )


def _delayed(phase: Phase, seconds: float) -> Phase:
    return replace(phase, edits=(*phase.edits, InjectedDelay(seconds=seconds, word=phase.name)))
