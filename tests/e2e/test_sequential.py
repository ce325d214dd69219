"""Rounds that go on until it is told, rounds that are added, and a budget, on real engines."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.conftest import Desk

LOOP = "ARG TIMES\nRUN i=0; while [ $i -lt $TIMES ]; do i=$((i+1)); done\n"
UNTIL = {"min": 2, "max": 4, "until": "±50%", "metric": "cpu"}


@pytest.mark.timing
@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.usefixtures("bookworm")
def test_rounds_go_on_as_they_were_asked_to(desk: Desk, engine: str) -> None:
    path = desk.scenario(
        LOOP, engine, phases=["cold"], rounds=UNTIL, axes={"TIMES": ["1000", "90000"]}
    )
    # A budget that is spent early leaves a run that is whole.
    ended = desk.lab("run", path, "--private", "--budget", "1s", "--quiet")
    assert ended.code == 0, ended.err
    assert re.fullmatch(r"the budget was spent in round [1-4]", desk.head()["reason"])
    assert 0 < len(desk.builds()) < 8

    # What the budget left out is caught up with, and the look after round 2 names what is open.
    run = ended.out.splitlines()[-1]
    ended = desk.lab("run", "--append", run, "--rounds", "1", "--quiet")
    assert ended.code == 0, ended.err
    head, builds = desk.head(), desk.builds()
    assert {build["status"] for build in builds} == {"ok"}
    assert all(build["cpu_s"] > 0 for build in builds)
    assert head["builds"] == len(builds)
    rounds = {build["round"] for build in builds}
    assert rounds <= {1, 2, 3, 4, 5}
    assert rounds >= {1, 2, 3}
    if head["reason"] is None:  # four or five rounds tell no difference: fewer than six cannot
        assert len(builds) == 10
        assert re.search(r"open: (1000|90000) cold", ended.out), ended.out
    else:
        assert re.fullmatch(r"every comparison was decided before round \d", head["reason"])

    # Another host's rounds are not added.
    (path_of_head,) = desk.folder.glob("results/*/run.json")
    head["host"]["kernel"] = "5.0.0"
    path_of_head.write_text(json.dumps(head))
    ended = desk.lab("run", "--append", run, "--rounds", "1")
    assert (ended.code, "kernel: 5.0.0 then" in ended.err) == (2, True)
    assert len(desk.builds()) == len(builds)
    assert not desk.left()
