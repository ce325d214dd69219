"""A cell against itself: the noise, what it lets one see, and the verb on the simulated engine."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from statistics import NormalDist

import pytest

from lab.cli.main import main
from lab.model.record import Build
from lab.results import calibration
from lab.results.stats import noise


def pairs(count: int, sd: float, seed: int = 5) -> list[tuple[float, float]]:
    draw = random.Random(seed)
    return [(math.exp(draw.gauss(0, sd)), math.exp(draw.gauss(0, sd))) for _ in range(count)]


@pytest.mark.slow
def test_noise_is_what_was_put_in() -> None:
    found = noise(pairs(400, 0.03), seed=1)
    assert found is not None
    assert found.spread == pytest.approx(0.03, rel=0.1)
    assert found.count == 400
    assert found.false_alarms == pytest.approx(0.05, abs=0.025)


@pytest.mark.slow
def test_what_is_seen_agrees_with_the_textbook() -> None:
    """Normal noise: shift = (z(0.975) + z(0.9)) sd sqrt(2 / n), by 1/sqrt(3/pi) for ranks."""
    sd = 0.03
    found = noise(pairs(2000, sd), rounds=(20, 30), seed=1)
    assert found is not None
    z = NormalDist().inv_cdf
    for count, seen in found.visible:
        expected = (z(0.975) + z(0.9)) * sd * math.sqrt(2 / count)
        expected *= math.sqrt(math.pi / 3)
        assert seen == pytest.approx(math.expm1(expected), rel=0.12)


def test_too_few_rounds_see_nothing_and_too_few_pairs_say_nothing() -> None:
    found = noise(pairs(50, 0.01), rounds=(5, 20), seed=1)
    assert found is not None
    assert dict(found.visible)[5] is None  # five signs alone are never rarer than 6 %
    assert dict(found.visible)[20] is not None
    assert noise(pairs(1, 0.01)) is None
    assert noise([]) is None


@pytest.mark.slow
def test_a_seed_gives_the_same_figures() -> None:
    assert noise(pairs(30, 0.1), seed=3) == noise(pairs(30, 0.1), seed=3)


def test_neighbours_are_whole_pairs() -> None:
    samples = [(1, 10.0), (2, 11.0), (4, 9.0), (5, 8.0), (6, 7.0), (7, 6.0)]
    assert list(calibration.neighbours(samples)) == [(11.0, 10.0), (7.0, 8.0)]


@pytest.mark.slow
def test_disturbed_builds_are_left_out_unless_asked_for() -> None:
    builds = [
        Build(
            id=str(number),
            cell={"engine": "podman"},
            round=number,
            phase="cold",
            status="ok",
            wall_s=1.0 + number / 100,
            fit="unfit: the machine slept (60 s)" if number > 8 else "fit",
        )
        for number in range(1, 13)
    ]
    wall, cpu = calibration.calibrations(builds, seed=1)
    assert (wall.metric, wall.left_out) == ("wall", 4)
    assert wall.noise is not None
    assert wall.noise.count == 4
    assert (cpu.noise, cpu.itself, cpu.samples) == (None, None, None)
    (wall, _) = calibration.calibrations(builds, seed=1, with_degraded=True)
    assert wall.noise is not None
    assert wall.noise.count == 6


@pytest.mark.slow
def test_the_verb_runs_one_cell_and_tells_its_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: two-layouts\nengines: [simulated]\nbases: [bookworm]\n"
        "workload: {packages: 2, lines: 300, depth: 1}\nlayouts: [default, override]\n"
        "phases: [cold, edit:dependency]\nrounds: 9\n"
    )
    place = ["--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", str(file), "--rounds", "3", "--json", "--quiet", *place])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["phase"] for one in told["calibration"]] == ["cold", "cold"] + 2 * [
        "edit:dependency"
    ]
    assert {one["cell"]["layout"] for one in told["calibration"]} == {"default"}
    assert told["calibration"][0]["noise"]["count"] == 3
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", "--run", "latest", *place])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "pairs noise in 10 in 20 in 30 alarms" in out
    assert "edit:dependency" in out
    *lines, _ = out.splitlines()  # the last is the run's folder
    assert max(map(len, lines)) <= 80
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *place])
    assert ended.value.code == 2
