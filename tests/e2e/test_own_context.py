"""The results lie in the folder that is measured: what real engines then find in their cache."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Desk


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.usefixtures("bookworm")
def test_a_rebuild_hits_though_the_results_lie_in_the_context(desk: Desk, engine: str) -> None:
    path = desk.scenario(
        "COPY . /all\nRUN true\n",
        engine,
        workload={"context": ".", "dockerfile": "own/Dockerfile"},
        rounds=2,
    )
    ended = desk.lab("run", path, "--private", "--quiet")
    assert ended.code == 0, ended.err
    found = [
        (one["cache"]["hits"], one["cache"]["misses"])
        for one in desk.builds()
        if one["phase"] == "rebuild"
    ]
    assert found == [(2, 0), (2, 0)]
    assert desk.head()["warnings"] == []
    ended = desk.lab("explain", "--between", "own/Dockerfile", "own/Dockerfile", "--context", ".")
    assert "file changed" not in ended.out
    assert not desk.left()
