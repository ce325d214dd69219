"""From a scenario to trials: complete, balanced, interleaved, and the same for the same seed."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dockerfile.context import Context
from lab.dockerfile.edits import apply
from lab.engines.protocol import ImageArchive
from lab.images.sources.types import Base
from lab.model.errors import InputError
from lab.scenario import loader, plan
from lab.scenario.model import Scenario
from lab.scenario.plan import Cell, Images, Trial

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SHIPPED = sorted(path for path in SCENARIOS.glob("*.yaml") if path.stem != "reference-size")
TEXT = """\
name: many
engines: [docker, podman]
bases: [bookworm, trixie]
toolchains: ["1.22.10"]
layouts: [default, tmpfs, cache-mount]
axes: {CGO_ENABLED: [0, 1]}
workload: {packages: 2, lines: 900, depth: 1, seed: 1}
phases: [cold, rebuild, "edit:source", "edit:base"]
rounds: 3
"""


def images(cell: Cell) -> Images:
    """Images that nothing was built for."""

    def base(name: str) -> Base:
        ref = f"localhost/lab/base:{name}"
        image, moved = (ImageArchive(ref=r, id=None, path=None) for r in (ref, f"{ref}-moved"))
        return Base(
            name=name, image=image, moved=moved, glibc=None, go=None, digest="", origin="nowhere"
        )

    name, toolchain = cell.axes["base"], cell.axes["toolchain"]
    return Images(
        base=base(name), toolchain=None if toolchain == "own" else base(f"{name}-{toolchain}")
    )


def planned(read: Scenario, context: Context | None = None, salt: str = "") -> tuple[Trial, ...]:
    return plan.trials(
        read,
        images,
        plan.project(read) if context is None else context,
        salt=salt,
    )


def test_cells_are_all_combinations_in_a_stable_order() -> None:
    cells = plan.cells(loader.parse(TEXT))
    assert len(cells) == len(set(cells)) == 2 * 2 * 3 * 2
    assert list(cells[0].axes) == ["engine", "base", "toolchain", "layout", "CGO_ENABLED"]
    assert cells[0].words == "docker bookworm 1.22.10 default CGO_ENABLED=0"
    assert cells[1].words == "docker bookworm 1.22.10 default CGO_ENABLED=1"


@pytest.mark.slow
@given(seed=st.integers(0, 2**63 - 1), rounds=st.integers(1, 6))
@settings(max_examples=50)
def test_each_round_is_a_permutation_and_a_seed_gives_it_again(seed: int, rounds: int) -> None:
    read = replace(loader.parse(TEXT), seed=seed, rounds=rounds)
    order = list(plan.order(read))
    assert order == list(plan.order(read))
    cells = set(plan.cells(read))
    for number in range(1, rounds + 1):
        part = [cell for one, cell in order[(number - 1) * len(cells) :][: len(cells)]]
        assert set(part) == cells
        assert len(part) == len(cells)
    assert [number for number, _ in order] == sorted(number for number, _ in order)


def test_every_cell_comes_early_as_often_as_late() -> None:
    read = replace(loader.parse(TEXT), rounds=400)
    count = len(plan.cells(read))
    places: Counter[Cell] = Counter()
    for place, (_, cell) in enumerate(plan.order(read)):
        places[cell] += place % count
    middle = 400 * (count - 1) / 2
    assert all(abs(total - middle) < 0.15 * middle for total in places.values())


def test_rounds_differ_in_their_order_and_seeds_too() -> None:
    read = loader.parse(TEXT)
    cells = [cell for _, cell in plan.order(read)]
    count = len(cells) // 3
    assert cells[:count] != cells[2 * count :]
    assert cells != [cell for _, cell in plan.order(replace(read, seed=99))]


@pytest.mark.slow
@given(seed=st.integers(0, 2**63 - 1), warm_up=st.integers(0, 3), pairs=st.integers(1, 3))
@settings(max_examples=30)
def test_in_two_rounds_any_two_cells_come_once_in_either_order(
    seed: int, warm_up: int, pairs: int
) -> None:
    read = replace(loader.parse(TEXT), seed=seed, warm_up=warm_up, rounds=2 * pairs)
    rounds: dict[int, list[Cell]] = {}
    for number, cell in plan.order(read):
        rounds.setdefault(number, []).append(cell)
    for number in range(1, 2 * pairs, 2):
        first, second = rounds[number], rounds[number + 1]
        assert all(
            (first.index(one) < first.index(other)) != (second.index(one) < second.index(other))
            for one, other in itertools.combinations(first, 2)
        )


def test_build_ids_are_unique_readable_and_fit_for_file_names() -> None:
    trials = planned(loader.parse(TEXT))
    ids = [trial.build_id(phase) for trial in trials for phase in trial.phases]
    assert len(ids) == len(set(ids)) == 24 * 3 * 4
    assert ids == sorted(ids)
    assert re.fullmatch(r"0001-(docker|podman)-\w+-[a-z-]+-[01]-r1-cold", ids[0])
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,150}", one) for one in ids)


def test_tokens_are_new_in_every_trial_and_run() -> None:
    read = loader.parse(TEXT)
    first, other = planned(read, salt="run-1"), planned(read, salt="run-2")
    assert len({trial.token for trial in (*first, *other)}) == 2 * len(first)
    assert [trial.token for trial in planned(read, salt="run-1")] == [one.token for one in first]


def test_a_cells_trials_share_what_no_token_is_in() -> None:
    """A million of them are to fit into memory."""
    by_cell: dict[Cell, list[Trial]] = {}
    for one in planned(loader.parse(TEXT)):
        by_cell.setdefault(one.cell, []).append(one)
    for cell, rounds in by_cell.items():
        own = {id(one.built_from) for one in rounds}
        assert len(own) == (len(rounds) if cell.axes["layout"] == "cache-mount" else 1)


def test_an_axis_of_ones_own_reaches_the_build() -> None:
    for trial in planned(loader.parse(TEXT)):
        value = trial.cell.axes["CGO_ENABLED"]
        assert trial.built_from.inputs.build_args["CGO_ENABLED"] == value
        assert "ENV CGO_ENABLED=$CGO_ENABLED" in trial.built_from.inputs.dockerfile
        assert "ARG CGO_ENABLED\n" in trial.built_from.inputs.dockerfile


def test_a_moving_base_is_named_by_a_ref_of_its_own() -> None:
    trial = planned(loader.parse(TEXT))[0]
    assert trial.phases[-1].name == "edit:base"
    assert apply(trial.phases[-1].edits[0], trial.built_from.inputs, "x").base_moved
    for base in trial.built_from.bases:
        assert f"FROM {base.working} AS" in trial.built_from.inputs.dockerfile
        assert {base.original, base.moved} <= {image.ref for image in trial.built_from.images}
    still = planned(replace(loader.parse(TEXT), phases=("cold",)))[0]
    assert still.built_from.bases == ()
    built_from = still.built_from
    refs = [image.ref for image in built_from.images]
    assert all(f"FROM {ref} AS" in built_from.inputs.dockerfile for ref in refs)


def test_what_an_engine_lacks_is_a_skip_with_its_reason() -> None:
    read = loader.parse(TEXT)
    trials = plan.trials(
        read,
        images,
        plan.project(read),
        lacks=lambda cell, _: ["no tmpfs", "no luck"] if cell.axes["layout"] == "tmpfs" else (),
    )
    for trial in trials:
        wanted = "no tmpfs; no luck" if trial.cell.axes["layout"] == "tmpfs" else None
        assert trial.skip == wanted


def test_more_builds_than_a_run_holds_are_refused_before_they_are_counted_out() -> None:
    axes = ", ".join(f"A{number}: [{', '.join(map(str, range(10)))}]" for number in range(12))
    text = TEXT.replace("{CGO_ENABLED: [0, 1]}", f"{{{axes}}}")
    # 2 engines x 2 bases x 3 layouts x 10^12, 3 rounds, 4 phases
    with pytest.raises(InputError, match="many: 144,000,000,000,000 builds"):
        planned(loader.parse(text, None))


def test_an_edit_that_does_not_fit_is_told_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    text = (
        "name: own\nengines: [docker]\nworkload: {context: .}\nphases: [cold, 'edit:mine']\n"
        "edits: {mine: [{replace: {path: absent.txt, old: a, new: b}}]}\n"
    )
    with pytest.raises(InputError, match=r"absent\.txt"):
        planned(loader.parse(text, tmp_path / "own.yaml"))


def test_a_dockerfile_of_ones_own_is_built_as_it_is() -> None:
    read = loader.load(SCENARIOS / "own-dockerfile.yaml")
    for trial in planned(read):
        assert trial.built_from.inputs.dockerfile == (SCENARIOS / "own" / "Dockerfile").read_text()
        assert trial.built_from.inputs.build_args["BASE"] == trial.built_from.images[0].ref
        assert trial.built_from.inputs.build_args["SORT_LOCALE"] == trial.cell.axes["SORT_LOCALE"]
        assert len(trial.built_from.images) == 1
        assert trial.built_from.container is None
        assert trial.cell.axes["layout"] == "own"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_can_be_planned_and_every_expected_step_exists(path: Path) -> None:
    from lab.results.expectations import matches

    read = loader.load(path)
    trials = planned(read)
    assert trials
    for trial in trials:
        parsed = trial.built_from.dockerfile
        for one in read.expect:
            if one.steps is not None:
                assert any(matches(one.steps, step.text) for step in parsed.instructions)
