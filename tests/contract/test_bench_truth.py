"""What the experiments on GOROOT report, against what was done to it: delays and real projects."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lab.golang.bench import build, delay_injection, sandbox
from lab.golang.claims.file_schema import Expect
from lab.golang.claims.judge import Answer, judge
from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.host.paths import cache_dir
from lab.host.process import run

VERSION = "1.22.10"
WALL = f"{build.COLD.name}/wall"


@pytest.fixture(scope="module")
def goroot() -> Path:
    return homes.install(Home(cache_dir() / "goroots"), VERSION, say=lambda _: None)


@pytest.mark.timing
def test_an_injected_delay_is_found_of_its_size_and_none_without_it(goroot: Path) -> None:
    """The oracle is the delay: so many calls of the compiler, each of which waited so long."""
    # A package with few below it: a build of it lasts a second, and a second is what is injected.
    project = build.Project(command="math")
    found = delay_injection.measure(
        goroot, project=project, delay_ms=400, rounds=15, say=lambda _: None
    )
    injected = float(found.facts["injected per build, s"])
    assert injected >= 0.8, found.facts
    more = sorted(found.series["delayed/more"].samples)
    assert more[7] == pytest.approx(injected, rel=delay_injection.WITHIN), found.series
    assert all(found.facts[name] for name in delay_injection.HELD), found.series
    plain = sorted(found.series[f"disk/{WALL}"].samples)[7]
    claimed = Expect(
        part="p",
        series=f"slow:400ms/{WALL}",
        against=f"disk/{WALL}",
        ratio=(plain + injected) / plain,
        within=0.25,
    )
    assert judge(claimed, found, None).answer is Answer.REPRODUCED
    without = claimed.model_copy(update={"series": f"home/{WALL}"})
    assert judge(without, found, None).answer is Answer.NOT_REPRODUCED


@pytest.mark.timing
@pytest.mark.skipif(os.geteuid() != 0, reason="containers of its own: root only")
def test_caches_are_as_the_state_says_on_the_host_and_in_a_container(goroot: Path) -> None:
    """The oracle is what the kernel counts for the builds' processes."""
    states = [
        build.State(gocache=gocache, pages=pages)
        for gocache in ("cold", "warm")
        for pages in ("cold", "warm")
    ]
    found = build.measure(
        goroot,
        layouts=("disk",),
        project=build.Project(command="math", flags=("-trimpath",)),
        rounds=2,
        states=states,
        where=("host", "container"),
        say=lambda _: None,
    )
    assert not found.missing

    def least(name: str, state: build.State, metric: str) -> float:
        return min(found.series[f"{name}/{state.name}/{metric}"].samples)

    cold_all, cold_warm, warm_cold, warm_all = states
    for name in ("disk", "disk in a container"):
        for cold, warm in ((cold_all, cold_warm), (warm_cold, warm_all)):
            assert least(name, cold, "read") > 10e6, (name, cold)  # go and compile alone are more
            assert least(name, warm, "read") < 5e6, (name, warm)
        # Compiling is counted, in the container as well; a build from the cache has none.
        assert least(name, cold_warm, "cpu") > 1.5 * least(name, warm_all, "cpu")
        assert least(name, cold_warm, "minor faults") > 2 * least(name, warm_all, "minor faults")


REFERENCE = build.Project(packages=127, lines=320_000, depth=8)
# Of all names and bytes of the reference project: another one would be another workload.
DIGEST = "4c4839ae8e57dd1fea9e16d1e3d41ca9b67644798e3fc172d35ef4fa0f9d438b"


def test_the_reference_project_is_real_go(goroot: Path) -> None:
    """127 packages, 320,000 lines, the same everywhere, compiled and run by the toolchain."""
    with sandbox.opened(lambda _: None) as box:
        folder = build.written(box, REFERENCE)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
        assert digest.hexdigest() == DIGEST
        lines = sum(path.read_bytes().count(b"\n") for path in files)
        assert lines == pytest.approx(320_000, rel=0.02)
        site = build.Site(box, goroot, folder, REFERENCE)
        site.build()
        listed = run([goroot / "bin/go", "list", "./internal/..."], folder=folder).out.split()
        assert len(listed) == 127
        said = run([box.folder / "app"]).out.split()
        assert said[0] == "checksum"
        # The standard library is compiled by now: Go's own command is, beside it, cheap to build.
        own = build.Site(box, goroot, folder, build.Project(command="cmd/go"))
        own.build()
        version = run([box.folder / "app", "version"], environment={"GOROOT": str(goroot)}).out
        assert VERSION in version
