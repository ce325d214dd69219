"""Pivots of random records are those that plain Python makes of the same records, one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.model.record import Build, Cache, Image, Step
from lab.results import stats
from lab.results.pivot import Pivot, pivot
from lab.results.stats import Comparison
from tests.factories import HOST
from tests.gate_runs import record

Figure = tuple[Mapping[str, str], float]  # its fields, the value
RUNS = {"one": HOST, "two": replace(HOST, kernel="6.2.0")}
STEPS = ("RUN make", "COPY . .", "RUN make")  # two steps with one text


def some(rng: random.Random) -> list[Build]:
    """Builds of two engines and two bases, of which some failed, were disturbed or warmed up."""
    made = []
    for number in range(1, rng.randint(4, 12)):
        for engine in ("docker", "podman"):
            for base in ("bookworm", "trixie"):
                for phase in ("cold", "rebuild"):
                    if rng.random() < 0.1:
                        continue
                    made.append(one(rng, number, {"engine": engine, "base": base}, phase))
    rng.shuffle(made)
    return [*made, *(replace(again, wall_s=1.0) for again in made[:3])]  # built again on resuming


def one(rng: random.Random, number: int, cell: dict[str, str], phase: str) -> Build:
    return Build(
        id=f"{number}-{cell['engine']}-{cell['base']}-{phase}",
        cell=cell,
        round=number,
        phase=phase,
        status="failed" if rng.random() < 0.1 else "ok",
        fit=rng.choice([None, "fit", "fit", "fit", "degraded: others"]),
        warm_up=rng.random() < 0.1,
        wall_s=rng.choice([None, rng.lognormvariate(1, 0.1), rng.lognormvariate(1, 0.1)]),
        image=Image(id="sha256:1", size_bytes=rng.randint(1, 3), layers=2),
        cache=Cache(hits=rng.randint(0, 2), misses=rng.randint(0, 2), skipped=0),
        steps=tuple(
            Step(
                index=index,
                stage=f"{index // 2}",
                instruction=text,
                outcome=None,
                duration_s=rng.choice([None, rng.lognormvariate(0, 0.1)]),
            )
            for index, text in enumerate(STEPS)
        ),
    )


def figures(runs: Mapping[str, Sequence[Build]], metric: str, *, steps: bool) -> Iterator[Figure]:
    for name, builds in runs.items():
        for build in {build.id: build for build in builds}.values():
            if build.status != "ok" or build.warm_up or build.fit not in {None, "fit"}:
                continue
            assert build.image is not None
            assert build.cache is not None
            needed = build.cache.hits + build.cache.misses
            value = {
                "wall": build.wall_s,
                "image_size": build.image.size_bytes,
                "hit_rate": build.cache.hits / needed if needed else None,
                "duration": None,
            }[metric]
            fields = {**build.cell, "phase": build.phase, "round": str(build.round), "run": name}
            fields |= {"kernel": RUNS[name].kernel or "-", "cache.hits": str(build.cache.hits)}
            fields["cell"] = " ".join(f"{axis}={at}" for axis, at in sorted(build.cell.items()))
            parts: list[dict[str, Any]] = [{}]
            if steps:
                parts = [
                    {
                        "step": step.instruction,
                        "stage": step.stage,
                        "step_index": str(step.index),
                        "duration": step.duration_s,
                    }
                    for step in build.steps
                ]
            for part in parts:
                found = part.pop("duration", None) if metric == "duration" else value
                if found is not None:
                    yield {**fields, **part}, float(found)


def versus(
    these: Sequence[Figure], others: Sequence[Figure], cols: Sequence[str]
) -> Comparison | None:
    """By pairs of one run, round and everything else that is no column; else as two samples."""
    apart = {"cache.hits", "kernel", "cell", *cols, *(["engine", "base"] if "cell" in cols else [])}
    apart |= {"step", "stage"}  # a step is told by its place

    def sides(figures: Sequence[Figure]) -> dict[object, list[float]]:
        found: dict[object, list[float]] = defaultdict(list)
        if "run" not in cols:
            for fields, value in figures:
                same = tuple(sorted((k, v) for k, v in fields.items() if k not in apart))
                found[same].append(value)
        return found

    one, base = sides(these), sides(others)
    pairs = [
        (sum(one[same]) / len(one[same]), sum(base[same]) / len(base[same]))
        for same in one
        if same in base
    ]
    if pairs:
        return stats.compare_paired(pairs, forecast=False)
    return stats.compare_unpaired([value for _, value in these], [value for _, value in others])


QUESTIONS: tuple[tuple[list[str], list[str], list[str], str, str | None], ...] = (
    (["phase"], ["engine"], [], "wall", "podman"),
    (["phase", "cell"], ["run"], [], "wall", "one"),
    (["phase", "kernel"], ["base"], ["engine"], "hit_rate", "trixie"),
    (["step", "phase"], ["engine"], ["base"], "duration", "docker"),
    (["stage"], ["cell"], [], "duration", "base=trixie engine=podman"),
    (["cache.hits"], ["phase"], [], "image_size", "cold"),
    (["step_index", "round"], ["engine", "phase"], [], "wall", None),
    ([], ["engine"], ["run", "phase"], "wall", "docker"),
)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: ",".join(one[0]))
def test_a_pivot_is_what_plain_python_makes_of_the_records(
    tmp_path: Path, seed: int, question: tuple[list[str], list[str], list[str], str, str | None]
) -> None:
    rows, cols, table, metric, baseline = question
    rng = random.Random(f"{seed} {rows} {cols}")
    runs = {name: some(rng) for name in RUNS}
    folders = [
        record(tmp_path / name, [], builds=builds, host=RUNS[name]) for name, builds in runs.items()
    ]
    found = pivot(folders, rows=rows, cols=cols, table=table, metric=metric, baseline=baseline)
    steps = metric == "duration" or any(name.startswith("step") for name in rows)
    places: dict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for one in figures(runs, metric, steps=steps):
        key = [" | ".join(one[0][name] for name in names) for names in (table, rows, cols)]
        places[(key[0], key[1], key[2])].append(one)
    assert shown(found) == places.keys()
    compared = {
        (tab, row, col): made
        for (tab, row, col), these in places.items()
        if baseline not in {None, col} and (base := places.get((tab, row, str(baseline))))
        if (made := versus(these, base, cols)) is not None
    }
    judged = dict(zip(compared, stats.corrected(list(compared.values())), strict=True))
    for (tab, row, col), these in places.items():
        cell = found.tables[tab][row][col]
        assert cell.values == stats.summary([value for _, value in these])
        own, other = cell.versus, judged.get((tab, row, col))
        assert (own is None) == (other is None), (tab, row, col)
        if own is not None and other is not None:
            assert own.ratio == pytest.approx(other.ratio, rel=1e-12)
            assert (own.interval is None) == (other.interval is None)
            if own.interval is not None:
                assert own.interval == pytest.approx(other.interval, rel=1e-12)
            assert own.p_value == pytest.approx(other.p_value)
            assert own.same_p_value == pytest.approx(other.same_p_value)
            assert (own.verdict, own.count) == (other.verdict, other.count)


def shown(found: Pivot) -> set[tuple[str, str, str]]:
    return {
        (tab, row, col)
        for tab, rows in found.tables.items()
        for row, cells in rows.items()
        for col in cells
    }
