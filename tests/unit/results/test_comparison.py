"""Builds side by side: pairing, matching of steps, footnotes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.record import Build, Cache, Step
from lab.results import comparison
from lab.results.stats import Verdict
from tests import factories

HIT, MISS = Outcome.HIT, Outcome.MISS


def build(
    cell: Mapping[str, str],
    phase: str = "cold",
    round_: int = 1,
    wall: float | None = 1.0,
    *steps: Step,
    **differing: Any,
) -> Build:
    hits, misses = (sum(one.outcome is kind for one in steps) for kind in (HIT, MISS))
    cache = Cache(hits=hits, misses=misses, skipped=0)
    return factories.build(
        round_, wall, phase=phase, cell=cell, steps=steps, cache=cache, **differing
    )


def step(index: int, text: str, outcome: Outcome | None, stage: str = "app") -> Step:
    return factories.step(index, text, outcome=outcome, stage=stage, duration_s=0.5)


D, P = {"engine": "docker"}, {"engine": "podman"}


def test_ratios_pair_rounds_and_time_saved_uses_the_trials_own_cold_build() -> None:
    builds = []
    for number, drift in enumerate((1.0, 10.0, 100.0), 1):  # drift hits both engines alike
        builds += [build(D, "cold", number, 4 * drift), build(P, "cold", number, 8 * drift)]
        builds += [build(D, "rebuild", number, drift), build(P, "rebuild", number, drift)]
    table = comparison.table(builds, axis="engine", columns=["docker", "podman"])
    cold, rebuild = table.groups[0].phases
    ratio = cold.measures[1].ratio
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high, ratio.count) == (2.0, 2.0, 2.0, 3)
    assert cold.measures[0].ratio is None  # the baseline has no ratio to itself
    saved = [m.saved.median for m in rebuild.measures if m.saved]
    assert saved == [0.75, 0.875]
    assert cold.measures[1].verdict is Verdict.UNDECIDED
    assert [note.kind for note in table.footnotes] == ["method", "few", "undecided"]
    json.dumps(table.to_json())


def test_other_axes_never_share_a_row() -> None:
    cells = [{"engine": e, "base": b} for e in ("docker", "podman") for b in ("old", "new")]
    table = comparison.table(
        [build(c, wall=w) for c, w in zip(cells, (1.0, 2.0, 3.0, 4.0), strict=True)],
        axis="engine",
        columns=["docker", "podman"],
        baseline="podman",
    )
    assert [group.cell for group in table.groups] == [{"base": "old"}, {"base": "new"}]
    walls = [[m.wall.median for m in g.phases[0].measures if m.wall] for g in table.groups]
    assert walls == [[1.0, 3.0], [2.0, 4.0]]


def test_steps_match_by_place_where_the_file_has_one_shape() -> None:
    one = [step(0, "FROM a", None), step(1, "RUN echo token-1", MISS)]
    two = [step(0, "FROM a", None), step(1, "RUN echo token-2", HIT)]
    table = comparison.table(
        [build(D, "cold", 1, 1.0, *one), build(P, "cold", 1, 1.0, *two)],
        axis="engine",
        columns=["docker", "podman"],
    )
    from_row, run_row = table.groups[0].phases[0].steps
    assert run_row.varies
    assert run_row.differs
    assert run_row.outcomes == ({"miss": 1}, {"hit": 1})
    assert not from_row.differs
    assert "metadata" in {note.kind for note in table.footnotes}


def test_steps_match_by_text_where_shapes_differ() -> None:
    one = [step(0, "COPY a b", HIT), step(1, "RUN x", HIT), step(2, "RUN x", MISS)]
    two = [step(0, "RUN x", HIT), step(1, "RUN x", MISS)]
    builds = [build({"layout": "a"}, "cold", 1, 1.0, *one)]
    builds += [build({"layout": "b"}, "cold", 1, 1.0, *two)]
    rows = comparison.table(builds, axis="layout", columns=["a", "b"]).groups[0].phases[0].steps
    found = {(row.instruction, row.outcomes) for row in map(_frozen, rows)}
    assert found == {
        ("COPY a b", ("hit 1", "")),
        ("RUN x", ("hit 1", "hit 1")),
        ("RUN x", ("miss 1", "miss 1")),
    }
    assert not any(row.differs for row in rows)


class _Frozen:
    def __init__(self, row: comparison.StepRow) -> None:
        self.instruction = row.instruction
        self.outcomes = tuple(" ".join(f"{k} {v}" for k, v in o.items()) for o in row.outcomes)


_frozen = _Frozen


def test_an_edit_of_each_round_is_one_step_also_where_shapes_differ() -> None:
    """The toolchain is copied by one layout alone, to another place in each round."""
    builds = []
    for turn in (1, 2, 3):
        copy = step(0, f"COPY go /opt/go-{turn}", MISS)
        builds.append(build({"layout": "a"}, "cold", turn, 1.0, copy, step(1, "RUN x", MISS)))
        builds.append(build({"layout": "b"}, "cold", turn, 1.0, step(0, "RUN x", HIT)))
    table = comparison.table(builds, axis="layout", columns=("a", "b"))
    rows = table.groups[0].phases[0].steps
    assert [dict(row.outcomes[0]) for row in rows] == [{"miss": 3}, {"miss": 3}]
    assert [dict(row.outcomes[1]) for row in rows] == [{}, {"hit": 3}]
    assert rows[0].texts == tuple(f"COPY go /opt/go-{turn}" for turn in (1, 2, 3))


def test_skipped_and_failed_builds_are_footnotes_not_samples() -> None:
    builds = [
        build(D),
        build(D, "cold", 2, 9.0, status="failed", reason="exit code 2"),
        build(P, "cold", 1, None, status="skipped", reason="cannot mount"),
        build(P, "cold", 2, None, status="skipped", reason="cannot mount"),
    ]
    table = comparison.table(builds, axis="engine", columns=["docker", "podman"])
    docker, podman = table.groups[0].phases[0].measures
    assert (docker.count, docker.failed, podman.count) == (1, 1, 0)
    texts = [note.text for note in table.footnotes if note.kind in {"skipped", "failed"}]
    assert texts == [
        "failed: engine=docker, cold (builds: 1): exit code 2",
        "skipped: engine=podman: cannot mount",
    ]


def test_runs_become_columns() -> None:
    builds = comparison.merge({"monday": [build(D, wall=1.0)], "friday": [build(D, wall=3.0)]})
    assert comparison.main_axis(builds) == "run"
    table = comparison.table(builds, axis="run", columns=["monday", "friday"])
    ratio = table.groups[0].phases[0].measures[1].ratio
    assert ratio is not None
    assert ratio.median == 3.0


def test_unknown_names_are_told_with_the_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        comparison.table([build(D)], axis="engin", columns=["docker"])
    assert caught.value.remedy == "one of: engine"
    with pytest.raises(InputError, match="podmann"):
        comparison.table([build(D)], axis="engine", columns=["podmann"])
    assert comparison.table([], axis="engine", columns=[]).groups == ()


def test_disturbed_builds_are_shown_and_kept_out_of_ratios_unless_asked_for() -> None:
    builds = [build(D, round_=n, wall=1.0, fit="fit") for n in (1, 2, 3)]
    builds += [build(P, round_=n, wall=2.0, fit="fit") for n in (1, 2)]
    builds.append(build(P, round_=3, wall=9.0, fit="unfit: others used the CPUs (80 %)"))
    kept_out = comparison.table(builds, axis="engine", columns=["docker", "podman"])
    podman = kept_out.groups[0].phases[0].measures[1]
    assert podman.wall is not None
    assert (podman.count, podman.disturbed, podman.wall.high) == (3, 1, 9.0)
    assert podman.ratio is not None
    assert (podman.ratio.count, podman.ratio.high) == (2, 2.0)
    kinds = {note.kind for note in kept_out.footnotes}
    assert kinds == {"method", "few", "undecided", "disturbed"}
    asked = comparison.table(
        builds, axis="engine", columns=["docker", "podman"], with_degraded=True
    )
    podman = asked.groups[0].phases[0].measures[1]
    assert podman.ratio is not None
    assert (podman.ratio.count, podman.disturbed) == (3, 0)
    assert "disturbed" not in [note.kind for note in asked.footnotes]
