"""Phases on fresh engines and the caches that those are given: mistakes, cells, what is refused."""

from __future__ import annotations

import pytest

from lab.host.relay import Link
from lab.model.errors import InputError
from lab.scenario import loader
from lab.scenario.plan import planned

TEXT = """\
name: fresh
engines: [docker, podman]
bases: [bookworm]
caches: [none, inline, podman-registry]
workload: {packages: 2, lines: 900, depth: 1, seed: 1}
phases: [cold, fresh, "fresh:source"]
rounds: 1
"""


def test_caches_are_an_axis_and_fresh_phases_have_an_engine_of_their_own() -> None:
    scenario = loader.parse(TEXT)
    trials = planned(scenario)
    assert len({trial.cell for trial in trials}) == 6
    phases = [(phase.fresh, phase.cold, bool(phase.edits)) for phase in trials[0].phases]
    assert phases == [(False, True, False), (True, False, False), (True, False, True)]
    refused = {(trial.cell.engine, trial.cell.cache): trial.skip for trial in trials if trial.skip}
    assert refused == {
        ("docker", "podman-registry"): "docker has no cache podman-registry; it is podman's",
        ("podman", "inline"): "podman has no cache inline; podman has podman-registry",
    }


LINKS = "links: [hosted, {name: ours, round_trip: 40ms, up: 1.5MB}]\n"


def test_links_are_an_axis_and_known_ones_have_their_figures() -> None:
    scenario = loader.parse(TEXT.replace("rounds: 1", f"{LINKS}rounds: 1"))
    assert scenario.axes["link"] == ("hosted", "ours")
    assert scenario.links == {
        "hosted": Link(round_trip_s=0.002, down=89e6, up=121e6),
        "ours": Link(round_trip_s=0.04, down=None, up=1.5e6),
    }
    assert {trial.cell.link for trial in planned(scenario)} == {"hosted", "ours"}
    assert {trial.cell.link for trial in planned(loader.parse(TEXT))} == {""}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rounds: 1", "links: [hostde]\nrounds: 1", "'hostde' for links"),
        ("rounds: 1", "links: [office, {name: office}]\nrounds: 1", "'office' again"),
        ("rounds: 1", "links: [{name: cut, up: 0.0MB}]\nrounds: 1", "0.0MB a second"),
        ('fresh, "fresh:source"]', "rebuild]\nhand_on: true", "hand_on without a phase on a fresh"),
        ('fresh, "fresh:source"]', "rebuild]\nlinks: [office]", "links without a phase on a fresh"),
        ("caches: [none, inline, podman-registry]\n", "", "'fresh' without caches"),
        ('fresh, "fresh:source"', "rebuild", "caches without a phase on a fresh engine"),
        ("fresh:source", "fresh:sauce", "the edit 'sauce'"),
        ("rounds: 1", "controls: {memory: 1GB}\nrounds: 1", "memory beside phases on fresh"),
        ("inline", "inlined", "inline"),
        ("none, inline", "none, none", "'none' again"),
    ],
)
def test_mistakes_are_told_with_their_place(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=said) as refused:
        loader.parse(TEXT.replace(old, new))
    assert "scenario:" in refused.value.message
