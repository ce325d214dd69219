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


@pytest.mark.usefixtures("bookworm")
def test_a_dockerfile_whose_images_no_registry_has_is_built_on_those_of_the_lab(
    desk: Desk,
) -> None:
    """On each engine: below a stage, by COPY --from, and by the mount of a RUN."""
    desk.write(
        "Dockerfile",
        "ARG SUITE=bookworm\nFROM nowhere/debian:${SUITE} AS first\nRUN echo one > /one\n"
        "FROM nowhere/debian:bookworm\nCOPY --from=first /one /\n"
        "COPY --from=nowhere/other:1 /etc/debian_version /version\nRUN test -s /version\n",
    )
    given = ("--base-image", "nowhere/debian:bookworm=bookworm")
    more = ("--base-image", "nowhere/other:1=bookworm")
    engines = ("docker", "docker-classic", "podman")
    words = ("--private", "--rounds", "1", "--quiet")
    ended = desk.lab("compare", *engines, "Dockerfile", *given, *more, *words)
    assert ended.code == 0, ended.err
    found = {(one["cell"]["engine"], one["phase"], one["status"]) for one in desk.builds()}
    assert found == {
        (name, phase, "ok") for name in engines for phase in ("cold", "rebuild", "edit:instruction")
    }
    assert [one["cache"]["hits"] for one in desk.builds() if one["phase"] == "rebuild"] == [4] * 3
    assert {one["name"] for one in desk.head()["bases"]} == {
        "nowhere/debian:bookworm",
        "nowhere/other:1",
    }
    assert not desk.left()
