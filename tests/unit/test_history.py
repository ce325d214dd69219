"""Trends with a known change, and without one."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from lab import cli
from lab.errors import InputError
from lab.history import change_points, history
from tests.unit.gate_runs import HOST, build, record


def test_a_step_is_found_where_it_is() -> None:
    rng = random.Random(1)
    values = [rng.gauss(10, 0.3) for _ in range(15)] + [rng.gauss(12, 0.3) for _ in range(12)]
    (found,) = change_points(values)
    begin, at, end, p_value = found
    assert (begin, end) == (0, 27)
    assert abs(at - 15) <= 1
    assert p_value <= 0.01


def test_two_steps_are_found() -> None:
    rng = random.Random(2)
    levels = [10] * 12 + [13] * 12 + [9] * 12
    places = [at for _, at, _, _ in change_points([rng.gauss(one, 0.2) for one in levels])]
    assert places == [pytest.approx(12, abs=1), pytest.approx(24, abs=1)]


def test_noise_alone_rarely_shows_a_change() -> None:
    rng = random.Random(3)
    alarms = sum(bool(change_points([rng.gauss(10, 1) for _ in range(20)])) for _ in range(60))
    # 5 % of 60 are 3; more than 8 come up once in three hundred such studies.
    assert alarms <= 8


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 5, [2.0] * 30])
def test_too_few_or_equal_values_show_none(values: list[float]) -> None:
    assert change_points(values) == []


def test_runs_of_which_nothing_can_be_believed_are_told(tmp_path: Path) -> None:
    record(tmp_path / "one", [], builds=[replace(build(1, 1.0), fit="unfit: others")])
    with pytest.raises(InputError, match=r"no build of these 1 runs .* fit to believe"):
        history(tmp_path)


def test_runs_are_read_as_they_lie(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(4)
    for number in range(16):
        slow = 1.3 if number >= 8 else 1.0
        walls = [slow * rng.uniform(9.8, 10.2) for _ in range(3)]
        builds = [build(at, wall) for at, wall in enumerate(walls, 1)]
        host = replace(HOST, kernel="6.2.0") if number >= 8 else HOST
        run = record(tmp_path / f"r{number:02}", [], builds=builds, host=host)
        head = json.loads((run / "run.json").read_text())
        head["started"] = f"2026-11-{number + 1:02}T10:00:00.000+00:00"
        (run / "run.json").write_text(json.dumps(head))
    (series,) = history(tmp_path)
    assert [point.run for point in series.points] == [f"r{number:02}" for number in range(16)]
    (change,) = series.changes
    assert change.at == 8
    assert change.ratio == pytest.approx(1.3, abs=0.03)
    assert change.interval is not None
    assert change.interval[0] < 1.3 < change.interval[1]
    assert change.beside == ("kernel 6.1.0 -> 6.2.0",)
    with pytest.raises(SystemExit) as ended:
        cli.main(["history", "--results", str(tmp_path)])
    assert (ended.value.code, "change at r08" in capsys.readouterr().out) == (0, True)
    for words in (["--scenario", "none"], ["--metric", "speed"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["history", "--results", str(tmp_path), *words])
        assert ended.value.code == 2
