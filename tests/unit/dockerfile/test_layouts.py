"""Layouts: goldens, what all of them have in common, and values that must not get in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.dockerfile import layouts
from lab.dockerfile.parser import parse
from lab.engines import features
from lab.model.errors import InputError

GOLDENS = Path(__file__).parents[3] / "dockerfiles"
VALUES = layouts.Values(
    base="localhost/lab/base:debian-bookworm",
    toolchain="localhost/lab/base:debian-bookworm-go1.22.10",
    go_version="1.22.10",
)
EVERY = pytest.mark.parametrize("name", list(layouts.LAYOUTS))


@EVERY
def test_the_golden(name: str) -> None:
    assert layouts.render(name, VALUES).dockerfile == (GOLDENS / f"{name}.Dockerfile").read_text()


def test_each_golden_has_a_layout() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(layouts.LAYOUTS)


@EVERY
def test_what_all_have_in_common(name: str) -> None:
    recipe = layouts.render(name, VALUES)
    parsed = parse(recipe.dockerfile)
    stages = [stage.name for stage in parsed.stages]
    assert "build" in stages
    assert (stages[-1] == "runtime") == (recipe.container is None)
    assert len(stages) >= 2, "every layout is a multi-stage recipe"
    standing_on_stages = [stage.name for stage in parsed.stages if stage.parent is not None]
    assert not standing_on_stages, "Podman 4 never caches what stands on a stage without steps"
    assert not any(step.heredocs for step in parsed.instructions)
    texts = [step.text for step in parsed.instructions]
    assert f"ENV GOROOT={recipe.goroot}" in texts
    assert "ENV LAB_SETTING=0" in texts
    assert texts.index("ARG VERSION=dev") > next(
        place for place, text in enumerate(texts) if "go.mod" in text
    )
    ran = recipe.dockerfile + " ".join(recipe.container.command if recipe.container else ())
    assert all(f"::lab-mark {mark} " in ran for mark in recipe.marks)
    assert "build" in recipe.marks
    parsed.target(recipe.target)


@EVERY
def test_what_needs_more_than_the_first_builder(name: str) -> None:
    lacks = features.lacks(
        "docker-classic", "28.5.2", parse(layouts.render(name, VALUES).dockerfile)
    )
    assert bool(lacks) == (name in {"bind-mount", "cache-mount", "copy-link", "tmpfs"})


@EVERY
def test_goroot_is_where_the_scenario_wants_it(name: str) -> None:
    values = layouts.Values(base="b", toolchain="t", goroot="/srv/sdk/go1.22")
    recipe = layouts.render(name, values)
    assert recipe.goroot == "/srv/sdk/go1.22"
    assert "ENV GOROOT=/srv/sdk/go1.22\n" in recipe.dockerfile
    if recipe.container:
        assert list(recipe.container.tmpfs) == ["/srv/sdk/go1.22"]
        assert list(recipe.container.moved(recipe.goroot, "/x/y").tmpfs) == ["/x/y"]


@EVERY
def test_every_command_is_plain_sh(name: str) -> None:
    recipe = layouts.render(name, VALUES)
    scripts = [s.operands for s in parse(recipe.dockerfile).instructions if s.keyword == "RUN"]
    scripts += [recipe.container.command[2]] if recipe.container else []
    for script in scripts:
        done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_cache_mount_carries_its_id() -> None:
    values = layouts.Values(base="b", toolchain="t", cache_id="run-1.r2")
    assert "type=cache,id=lab-run-1.r2," in layouts.render("cache-mount", values).dockerfile


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": "a\nRUN evil"},
        {"base": "a b"},
        {"base": ""},
        {"base": "a\n"},
        {"toolchain": "--platform=x"},
        {"goroot": "/opt/go\nRUN evil"},
        {"goroot": "/opt/go,target=/x"},
        {"goroot": "/opt/../etc"},
        {"goroot": "/opt/$HOME"},
        {"goroot": "opt/go"},
        {"goroot": "/etc"},
        {"goroot": "/src/go"},
        {"goroot": "/opt/lab-toolchain"},
        {"goroot": '/opt/"go'},
        {"cache_id": "a,target=/etc"},
        {"go_version": "1.22\nRUN evil"},
        {"source": "/usr/local/go x"},
    ],
)
def test_values_cannot_inject(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        layouts.Values(**{"base": "b", "toolchain": "t", **wrong})


def test_a_copy_cannot_lie_on_its_source() -> None:
    values = layouts.Values(base="b", toolchain="t", goroot="/usr/local/go")
    with pytest.raises(InputError, match="layout override"):
        layouts.render("override", values)
    assert layouts.render("default", values).goroot == "/usr/local/go"


def test_an_unknown_layout() -> None:
    with pytest.raises(InputError, match="no layout is named 'overide'") as caught:
        layouts.render("overide", VALUES)
    assert caught.value.remedy == "did you mean 'override'?"
