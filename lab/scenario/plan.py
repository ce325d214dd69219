"""Scenario -> cells -> trials in the order in which they run. Pure, but for ``project``."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from lab.dockerfile import edits, generated_project
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Edit, Inputs
from lab.dockerfile.entries import File
from lab.engines import features, remote_caches
from lab.model import cell_names, remote_cache
from lab.model.errors import InputError
from lab.scenario import links, placeholder_images
from lab.scenario.build_inputs import BuildInputs, CellInputs, Images, parsed, render_cell
from lab.scenario.model import Own, Scenario, is_fresh

MOST_BUILDS = 1_000_000  # as many as can be planned in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of axis values."""

    axes: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(tuple(self.axes.items()))

    @property
    def engine(self) -> str:
        """The engine that builds it."""
        return self.axes["engine"]

    @property
    def cache(self) -> str:
        """By which strategy a fresh engine gets a cache; empty where none is ever built on."""
        return self.axes.get(remote_cache.AXIS, "")

    @property
    def link(self) -> str:
        """The line between a fresh engine and its registry; empty where it is the machine's own."""
        return self.axes.get(links.AXIS, "")

    @property
    def day(self) -> str:
        """What befalls the registry before a fresh engine comes to it."""
        return self.axes.get(remote_cache.DAY_AXIS, remote_cache.WELL)

    @property
    def words(self) -> str:
        """The cell on one line: ``docker bookworm 1.22.10 default CGO_ENABLED=0``."""
        return cell_names.short(self.axes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What happens just before a build."""

    name: str
    cold: bool = False
    fresh: bool = False
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One pass through all phases of one cell; with an engine, all that is needed to run it.

    ``token`` makes what the edits write new in each trial. ``skip`` says why it cannot be run.
    ``first`` numbers its first build.
    """

    cell: Cell
    round: int
    phases: tuple[Phase, ...]
    built_from: BuildInputs
    token: str
    first: int
    label: str
    skip: str | None = None

    @property
    def warm_up(self) -> bool:
        """Whether it only warms up: it comes before round 1."""
        return self.round < 1

    def done(self, builds: Collection[str]) -> bool:
        """Whether each of its builds is among these ids."""
        return all(self.build_id(phase) in builds for phase in self.phases)

    def build_id(self, phase: Phase) -> str:
        """Stable and fit for a file name: ``0007-docker-bookworm-default-r1-cold``."""
        number = self.first + self.phases.index(phase)
        return f"{number:04}-{self.label}-r{self.round}-{cell_names.plain(phase.name)}"


Lacks = Callable[[Cell, BuildInputs], Sequence[str]]


def cells(scenario: Scenario) -> tuple[Cell, ...]:
    """Every combination of axis values, the last axis varying fastest."""
    axes = scenario.axes
    return tuple(
        Cell(axes=dict(zip(axes, values, strict=True))) for values in product(*axes.values())
    )


def order(scenario: Scenario) -> Iterator[tuple[int, Cell]]:
    """Rounds and cells in running order: each odd round a permutation of its own of all cells, each
    even one the same from its end.

    The place of a cell in a round comes from a hash of seed, round and cell, so that drift of
    the machine hits all cells alike and a recorded seed gives the order again. In two rounds any
    two cells are built once in either order: what comes of being the first falls out.
    """
    known = cells(scenario)
    for number in range(1 - scenario.warm_up, scenario.rounds + 1):
        odd = number - 1 + number % 2
        drawn = sorted(known, key=lambda one: _hash(scenario.seed, odd, one))
        for cell in drawn if number == odd else reversed(drawn):
            yield number, cell


def phases(scenario: Scenario) -> tuple[Phase, ...]:
    """The phases of every trial."""
    return tuple(
        Phase(name=name, cold=name == "cold", fresh=is_fresh(name), edits=_edits(name, scenario))
        for name in scenario.phases
    )


def project(scenario: Scenario) -> Context:
    """What is built: the generated project, or the user's own as it lies on disk."""
    work = scenario.workload
    if isinstance(work, Own):
        return Context.from_folder(work.context, dockerfile=work.dockerfile)
    return generated_project.generate(
        packages=work.packages, lines=work.lines, depth=work.depth, seed=work.seed
    )


def refuse_own_dockerfile(scenario: Scenario) -> None:
    """Read the user's own Dockerfile as each cell builds it, before anything is started for that.

    Raises InputError with its line where it cannot be built; a generated project's always can.
    """
    work = scenario.workload
    if not isinstance(work, Own):
        return
    file = work.context / work.dockerfile
    alone = Context({work.dockerfile: File(file)} if file.is_file() else {})
    for cell in cells(scenario):
        images = placeholder_images.images(scenario, cell.axes)
        parsed(render_cell(scenario, cell.axes, images, alone, "read").inputs)


def trials(
    scenario: Scenario,
    images: Callable[[Cell], Images],
    context: Context,
    *,
    lacks: Lacks = lambda _cell, _made: (),
    salt: str = "",
) -> tuple[Trial, ...]:
    """Every trial in running order.

    ``images`` gives the images of a cell, ``lacks`` the reasons why a cell cannot be run (none:
    it can). ``salt``, a run's id, makes edits new in each run: an engine that is not the lab's
    own may still hold what the same edit made in an earlier run. Raises InputError where there
    are more builds than a run can hold.
    """
    _countable(scenario)
    passes = phases(scenario)
    known: dict[Cell, tuple[CellInputs, str | None]] = {}
    found = []
    for place, (number, cell) in enumerate(order(scenario)):
        if cell not in known:
            inputs = CellInputs.of(scenario, cell.axes, images(cell), context)
            made = inputs.built_from("try")
            known[cell] = inputs, "; ".join(lacks(cell, made)) or None
            if known[cell][1] is None:
                _try_edits(passes, made.inputs)
        found.append(_trial(scenario, place, number, cell, *known[cell], passes, salt))
    return tuple(found)


def trial(
    scenario: Scenario,
    place: int,
    number: int,
    cell: Cell,
    *,
    images: Images,
    context: Context,
    lacks: Lacks,
    salt: str,
) -> Trial:
    """The trial at ``place``, counted from 0, of those that `trials` makes; of round ``number``."""
    inputs = CellInputs.of(scenario, cell.axes, images, context)
    made = _trial(scenario, place, number, cell, inputs, None, phases(scenario), salt)
    return replace(made, skip="; ".join(lacks(cell, made.built_from)) or None)


def _trial(
    scenario: Scenario,
    place: int,
    number: int,
    cell: Cell,
    inputs: CellInputs,
    skip: str | None,
    passes: tuple[Phase, ...],
    salt: str,
) -> Trial:
    token = _hash(scenario.seed, number, cell, salt)[:10]
    return Trial(
        cell=cell,
        round=number,
        phases=passes,
        built_from=inputs.built_from(token),
        token=token,
        first=1 + place * len(passes),
        label=inputs.label,
        skip=skip,
    )


def planned(scenario: Scenario) -> tuple[Trial, ...]:
    """The trials without building, fetching or asking anything: what `plan` and `render` show.

    Refs of bases stand for what the lab would make; what an engine lacks is that of its
    newest version.
    """
    return trials(
        scenario,
        lambda cell: placeholder_images.images(scenario, cell.axes),
        project(scenario),
        lacks=lambda cell, made: (
            *features.lacks(cell.engine, "", made.dockerfile),
            *remote_caches.lacks(cell.engine, "", cell.cache, containerd=None),
        ),
    )


def _countable(scenario: Scenario) -> None:
    of_cells = math.prod(map(len, scenario.axes.values()))
    rounds, of_phases = scenario.rounds + scenario.warm_up, len(scenario.phases)
    builds = of_cells * rounds * of_phases
    if builds > MOST_BUILDS:
        raise InputError(
            f"{scenario.name}: {builds:,} builds ({of_cells:,} cells, {rounds:,} rounds, "
            f"{of_phases} phases); a run holds at most {MOST_BUILDS:,}",
            remedy="ask for fewer rounds, or for fewer values on an axis",
        )


def _edits(phase: str, scenario: Scenario) -> tuple[Edit, ...]:
    _, _, name = phase.partition(":")
    if not name:
        return ()
    if name in scenario.edits:
        return scenario.edits[name]
    return (edits.Builtin(name=name),)


def _try_edits(passes: Sequence[Phase], inputs: Inputs) -> None:
    """Apply every phase's edits once: one that does not fit ends it before any build."""
    for phase in passes:
        changed = inputs
        for edit in phase.edits:
            changed = edits.apply(edit, changed, "try")


def _hash(seed: int, number: int, cell: Cell, salt: str = "") -> str:
    text = f"[{seed}, {number}, {_axes(cell)}, {json.dumps(salt)}]"
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1024)  # every round asks again
def _axes(cell: Cell) -> str:
    return json.dumps(list(cell.axes.items()))
