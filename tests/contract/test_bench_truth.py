"""What the experiments on GOROOT report, against what was done to it: delays and real projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.bench import build, truth
from lab.claims.judge import Answer, judge
from lab.claims.types import Expect
from lab.goroot import home as homes
from lab.goroot.home import Home
from lab.paths import cache_dir

VERSION = "1.22.10"
WALL = f"{build.COLD.name}/wall"


@pytest.fixture(scope="module")
def goroot() -> Path:
    return homes.install(Home(cache_dir() / "goroots"), VERSION, say=lambda _: None)


def test_an_injected_delay_is_found_of_its_size_and_none_without_it(goroot: Path) -> None:
    """The oracle is the delay: so many calls of the compiler, each of which waited so long."""
    # A package with few below it: a build of it lasts a second, and a second is what is injected.
    project = build.Project(command="math")
    found = truth.measure(goroot, project=project, delay_ms=400, rounds=7, say=lambda _: None)
    injected = float(found.facts["injected per build, s"])
    assert injected >= 0.8, found.facts
    more = sorted(found.series["delayed/more"].samples)
    assert more[3] == pytest.approx(injected, rel=truth.WITHIN), found.series
    assert found.facts["the delay was found, of its size"], found.series
    assert found.facts["none was found without it"], found.series
    plain = sorted(found.series[f"disk/{WALL}"].samples)[3]
    claimed = Expect(
        part="p",
        series=f"slow:400ms/{WALL}",
        against=f"disk/{WALL}",
        ratio=(plain + injected) / plain,
        within=0.2,
    )
    assert judge(claimed, found, None).answer is Answer.REPRODUCED
    without = claimed.model_copy(update={"series": f"home/{WALL}"})
    assert judge(without, found, None).answer is Answer.NOT_REPRODUCED
