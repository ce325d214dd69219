"""Fresh engines of a run, on the simulated one: each has built nothing, a warm disk is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.model.errors import InputError
from lab.runner.fresh import source_of
from lab.runner.options import Options
from lab.runner.session import Session, run
from lab.scenario import loader
from lab.scenario.plan import Phase
from tests.unit.runner.test_session import Nobody

TEXT = """\
name: fresh
engines: [simulated]
bases: [bookworm]
caches: [none, warm-disk, inline]
workload: {packages: 2, lines: 900, depth: 1, seed: 1}
phases: [cold, fresh, "fresh:source"]
rounds: 1
"""


def quiet(_: str) -> None:
    pass


def test_only_a_kept_disk_has_hits_where_nothing_is_restored(tmp_path: Path) -> None:
    stored = run(loader.parse(TEXT), Options(results=tmp_path), say=quiet, watcher=Nobody())
    hits = {
        (build.cell["cache"], build.phase): build.cache and build.cache.hits > 0
        for build in stored.builds
    }
    assert hits == {
        ("none", "cold"): False,
        ("none", "fresh"): False,
        ("none", "fresh:source"): False,
        ("warm-disk", "cold"): False,
        ("warm-disk", "fresh"): True,
        ("warm-disk", "fresh:source"): True,
        ("inline", "cold"): None,
        ("inline", "fresh"): None,
        ("inline", "fresh:source"): None,
    }
    skipped = {build.reason for build in stored.builds if build.status == "skipped"}
    assert skipped == {"simulated has no cache inline"}
    assert {build.remote for build in stored.builds} == {None}


def test_an_engine_of_the_users_own_is_never_fresh(tmp_path: Path) -> None:
    options = Options(results=tmp_path, endpoints={"simulated": "unix:///run/mine.sock"})
    with (
        pytest.raises(InputError, match="engines that the lab starts for itself"),
        Session.open(loader.parse(TEXT), options, say=quiet, watcher=Nobody()),
    ):
        pass


@pytest.mark.parametrize(
    ("hand_on", "sources"),
    [(False, [None, None, "cold", "cold"]), (True, [None, None, "cold", "fresh"])],
)
def test_a_cache_is_handed_on_where_that_is_asked(hand_on: bool, sources: list[str | None]) -> None:
    phases = tuple(
        Phase(name=name, cold=name == "cold", fresh=name.startswith("fresh"))
        for name in ("cold", "rebuild", "fresh", "fresh:source")
    )
    found = [source_of(phases, phase, hand_on=hand_on) if phase.fresh else None for phase in phases]
    assert [one and one.name for one in found] == sources
