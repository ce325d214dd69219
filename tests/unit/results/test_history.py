"""Trends with a known change, and without one."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.errors import InputError
from lab.model.record import Cache
from lab.results.history import history
from tests.factories import HOST, build
from tests.gate_runs import record


def test_a_change_from_nothing_has_no_ratio_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        cache = Cache(hits=3 * (number >= 6), misses=1, skipped=0)
        builds = [replace(build(at, 10.0), cache=cache) for at in range(1, 4)]
        run = record(tmp_path / f"r{number:02}", [], builds=builds)
        head = json.loads((run / "run.json").read_text())
        head["started"] = f"2026-11-{number + 1:02}T10:00:00.000+00:00"
        (run / "run.json").write_text(json.dumps(head))
    (series,) = history(tmp_path, metric="hit_rate")
    (change,) = series.changes
    assert (change.at, change.before, change.after, change.ratio) == (6, 0.0, 0.75, None)
    with pytest.raises(SystemExit):
        main.main(["history", "--results", str(tmp_path), "--metric", "hit_rate"])
    assert "change at r06: 0 % to 75 % (of 0 there is no ratio)" in capsys.readouterr().out


def test_few_runs_are_not_said_to_be_without_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        record(tmp_path / f"r{number}", [10.0, 10.1])
    with pytest.raises(SystemExit):
        main.main(["history", "--results", str(tmp_path)])
    out = capsys.readouterr().out
    assert "too few runs to tell a change from chance: it takes 8" in out
    assert "no change" not in out


def test_runs_without_a_build_fit_to_compare_are_named(tmp_path: Path) -> None:
    record(tmp_path / "one", [], builds=[replace(build(1, 1.0), fit="unfit: others")])
    with pytest.raises(InputError, match=r"no build of 1 run has .* fit to compare"):
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
    assert change.ratio is not None
    assert change.ratio == pytest.approx(1.3, abs=0.03)
    assert change.interval is not None
    assert change.interval[0] < 1.3 < change.interval[1]
    assert change.beside == ("kernel 6.1.0 -> 6.2.0",)
    with pytest.raises(SystemExit) as ended:
        main.main(["history", "--results", str(tmp_path)])
    assert (ended.value.code, "change at r08" in capsys.readouterr().out) == (0, True)
    for words in (["--scenario", "none"], ["--metric", "speed"]):
        with pytest.raises(SystemExit) as ended:
            main.main(["history", "--results", str(tmp_path), *words])
        assert ended.value.code == 2


def stepped(folder: Path, origins: dict[int, dict[str, object]], count: int = 16) -> None:
    """Runs of a day each, the second half slower, with what their heads say of their origin."""
    for number in range(count):
        walls = [10.0 * (1.3 if number >= count // 2 else 1.0) + number * 0.001] * 3
        run = record(folder / f"r{number:02}", walls)
        head = json.loads((run / "run.json").read_text())
        head["started"] = f"2026-11-{number + 1:02}T10:00:00.000+00:00"
        head["origin"] = origins.get(number, {})
        (run / "run.json").write_text(json.dumps(head))


BEFORE, AFTER = "abc1230" * 5, "def4560" * 5


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            {"commit": BEFORE, "branch": "main"},
            {"commit": AFTER, "branch": "main"},
            "between commits abc1230ab and def4560de (main)",
        ),
        (
            {"commit": BEFORE, "branch": "main"},
            {"commit": AFTER, "branch": "topic", "dirty": True},
            "between commits abc1230ab (main) and def4560de+ (topic)",
        ),
        ({}, {"commit": AFTER}, "at commit def4560de"),
        ({"commit": AFTER}, {"commit": AFTER}, "both runs are of commit def4560de"),
        (
            {"commit": AFTER},
            {"commit": AFTER, "dirty": True},
            "between commits def4560de and def4560de+",
        ),
        ({"commit": BEFORE}, {}, None),
    ],
)
def test_a_change_is_between_two_commits(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: dict[str, object],
    after: dict[str, object],
    said: str | None,
) -> None:
    stepped(tmp_path, {7: before, 8: after})
    with pytest.raises(SystemExit):
        main.main(["history", "--results", str(tmp_path)])
    told = capsys.readouterr().out
    assert "change at r08" in told
    assert ("commit" in told) is (said is not None)
    assert said is None or f"    {said}\n" in told
    assert max(map(len, told.splitlines())) <= 80


def test_levels_are_those_of_the_stretches_and_not_of_single_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First and last run lie the other way round than what changed."""
    walls = [13.1, *([10.0, 10.2] * 6), *([12.9, 13.1] * 6), 9.9]
    for number, wall in enumerate(walls):
        run = record(tmp_path / f"r{number:02}", [wall] * 3)
        head = json.loads((run / "run.json").read_text())
        head["started"] = f"2026-11-{number + 1:02}T10:00:00.000+00:00"
        (run / "run.json").write_text(json.dumps(head))
    with pytest.raises(SystemExit):
        main.main(["history", "--results", str(tmp_path)])
    told = capsys.readouterr().out
    assert "  10.2 s -> 12.9 s, runs: 26, " in told
    next_step = re.search(r"next: lab (.*)", told)
    assert next_step is not None
    assert next_step[1] == "compare r12 r13 --rows step --cols run"
    with pytest.raises(SystemExit) as ended:
        main.main([*next_step[1].split(), "--results", str(tmp_path)])
    assert ended.value.code == 0, capsys.readouterr().err


def test_only_runs_since_a_time_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stepped(tmp_path, {})
    for text, runs in (("2026-11-09", 8), ("2026-11-09T10:00", 8), ("2026-11-09T10:00:01Z", 7)):
        with pytest.raises(SystemExit):
            main.main(["history", "--results", str(tmp_path), "--since", text])
        assert f"runs: {runs}" in capsys.readouterr().out
    for text, said in (("1h", "none of 16 runs began since"), ("soon", "expected a time such as")):
        with pytest.raises(SystemExit) as ended:
            main.main(["history", "--results", str(tmp_path), "--since", text])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


def test_more_runs_than_a_line_has_columns_share_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(100):
        record(tmp_path / f"r{number:03}", [10.0 if number < 50 else 20.0])
    with pytest.raises(SystemExit):
        main.main(["history", "--results", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].strip() == "\u2581" * 25 + "\u2588" * 25
    assert "runs: 100" in lines[2]
    assert "2 a bar" in lines[2]
