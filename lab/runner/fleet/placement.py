"""Which cells may be built on which hosts: those that are compared on the same one. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.model.errors import InputError
from lab.model.record import Build
from lab.results import question
from lab.runner.fleet import facts
from lab.scenario import plan
from lab.scenario.model import Scenario
from lab.scenario.plan import Cell, Trial

Facts = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Group:
    """Cells that one host builds, all their rounds, interleaved; ``hosts`` are those that can.

    ``host`` is the one that does, once it has begun; ``before`` the one that did when it was lost.
    ``trials`` are still to be done.
    """

    cells: tuple[Cell, ...]
    hosts: tuple[str, ...]
    host: str | None = None
    before: str | None = None
    trials: deque[Trial] = field(default_factory=deque)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """``split``: what is compared across hosts, since no host can build all of it, in words."""

    groups: tuple[Group, ...]
    nowhere: Mapping[Cell, str]
    split: tuple[str, ...]

    def fill(self, trials: Iterable[Trial]) -> None:
        """Give each group the trials of its cells, in their order."""
        groups = {cell: group for group in self.groups for cell in group.cells}
        for trial in trials:
            groups[trial.cell].trials.append(trial)

    def join(self, scenario: Scenario, worker: Facts) -> None:
        """A worker is there from now on, or anew: note which groups it can build."""
        general, name = _against(scenario, worker), worker["name"]
        for group in self.groups:
            others = tuple(one for one in group.hosts if one != name)
            able = not general and not any(facts.lacking(c.engine, worker) for c in group.cells)
            group.hosts = (*others, name) if able else others

    def refuse_nowhere(self) -> None:
        """Raise InputError with the cells that no host can build, and why."""
        if not self.nowhere:
            return
        why: dict[str, list[str]] = {}
        for cell, reason in self.nowhere.items():
            why.setdefault(reason, []).append(cell.words)
        raise InputError(
            "no worker of the fleet can build: "
            + "; ".join(f"{', '.join(cells[:3])} ({text})" for text, cells in why.items()),
            remedy="start a worker that can, or change where: or the engines; lab plan --fleet "
            "shows what goes where",
        )


def place(scenario: Scenario, workers: Sequence[Facts], baseline: str | None = None) -> Placement:
    """Each cell's hosts; cells that differ only along the compared axis share one if any can."""
    hosts: dict[Cell, tuple[str, ...]] = {}
    nowhere: dict[Cell, str] = {}
    general = {one["name"]: _against(scenario, one) for one in workers}
    for cell in plan.cells(scenario):
        against = {
            one["name"]: [*general[one["name"]], *facts.lacking(cell.engine, one)]
            for one in workers
        }
        able = tuple(name for name, found in against.items() if not found)
        if able:
            hosts[cell] = able
        else:
            told = "; ".join(f"{name}: {', '.join(found)}" for name, found in against.items())
            nowhere[cell] = told or "there is no worker"
    axis = compared_axis(scenario, baseline)
    together: dict[tuple[tuple[str, str], ...], list[Cell]] = {}
    for cell in hosts:
        key = tuple(item for item in cell.axes.items() if item[0] != axis)
        together.setdefault(key, []).append(cell)
    groups: list[Group] = []
    split: list[str] = []
    for cells in together.values():
        parts = _parts(cells, hosts)
        groups += parts
        if len(parts) > 1:
            told = ", ".join(f"{_values(one, axis)} on {one.hosts[0]}" for one in parts)
            split.append(
                f"no host builds all that is compared: {told}; their ratios are of hosts too"
            )
    return Placement(groups=tuple(groups), nowhere=nowhere, split=tuple(dict.fromkeys(split)))


def _against(scenario: Scenario, worker: Facts) -> list[str]:
    return [*facts.same_lab(worker), *facts.unmet(scenario.where, worker)]


def _parts(cells: Sequence[Cell], hosts: Mapping[Cell, tuple[str, ...]]) -> list[Group]:
    """One group where a host can build all; else one for each set of hosts."""
    common = [name for name in hosts[cells[0]] if all(name in hosts[cell] for cell in cells)]
    if common:
        return [Group(cells=tuple(cells), hosts=tuple(common))]
    sets: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        sets.setdefault(hosts[cell], []).append(cell)
    return [Group(cells=tuple(some), hosts=able) for able, some in sets.items()]


def _values(group: Group, axis: str) -> str:
    return ", ".join(dict.fromkeys(cell.axes[axis] for cell in group.cells))


def compared_axis(scenario: Scenario, baseline: str | None) -> str:
    """The axis along which reports will compare."""
    one_each = [
        Build(id="", cell=dict(cell.axes), round=1, phase="", status="skipped")
        for cell in plan.cells(scenario)
    ]
    return question.of(one_each, scenario.axes, baseline or scenario.baseline).axis
