"""Which cells may be built where, and what a host must be for that: nothing is connected."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import __version__
from lab.model.errors import InputError
from lab.runner.fleet import facts, session, wire
from lab.runner.fleet.placement import place
from lab.runner.fleet.security import place as address
from lab.scenario import loader

TEXT = """
name: placed
engines: [docker@20.10, docker@28]
bases: [bookworm, trixie]
workload: {packages: 3}
phases: [cold]
rounds: 2
"""
ROOT = Path(__file__).parents[4]


def worker(name: str, *engines: str, **host: Any) -> dict[str, Any]:
    told = {"kernel": "6.1.0-18-amd64", "glibc": "2.36", "cpu_model": "Xeon", "cpus": 8}
    return {
        "name": name,
        "lab": __version__,
        "host": told | host,
        "cpu_level": 3,
        "sites": ["lab-a"],
        "slots": 1,
        "engines": [{"name": one, "version": one.partition("@")[2] + ".1"} for one in engines],
    }


def test_what_is_compared_shares_a_host_that_can_build_all_of_it() -> None:
    scenario = loader.parse(TEXT)
    placed = place(scenario, [worker("old", "docker@20.10"), worker("both", *scenario.engines)])
    assert not placed.nowhere
    assert not placed.split
    assert [one.hosts for one in placed.groups] == [("both",), ("both",)]
    assert [{cell.axes["base"] for cell in one.cells} for one in placed.groups] == [
        {"bookworm"},
        {"trixie"},
    ]


def test_a_ratio_across_hosts_is_said() -> None:
    workers = [worker("old", "docker@20.10"), worker("new", "docker@28")]
    placed = place(loader.parse(TEXT), workers)
    (told,) = placed.split
    assert "docker@20.10 on old" in told
    assert "docker@28 on new" in told


def test_what_nobody_can_build_is_refused_with_the_reasons() -> None:
    placed = place(loader.parse(TEXT), [worker("old", "docker@20.10")])
    assert {cell.engine for cell in placed.nowhere} == {"docker@28"}
    with pytest.raises(InputError, match=r"old: it has no docker@28, but docker@20\.10"):
        placed.refuse_nowhere()


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({"kernel": ">=6.1"}, True),
        ({"kernel": ">=6.1.1"}, False),
        ({"kernel": "=6.1"}, True),
        ({"kernel": "6.1.*"}, True),
        ({"kernel": ">5.15"}, True),
        ({"kernel": "<6"}, False),
        ({"glibc": ">=2.4"}, True),  # versions, not decimals: 36 is more than 4
        ({"cores": ">8"}, False),
        ({"cpu_level": ">=3"}, True),
        ({"cpu": "xeon*"}, True),
        ({"site": "lab-b"}, False),
        ({"site": "lab-*", "host": "one"}, True),
        ({"engine": "docker@28"}, True),
        ({"engine": "docker@20.10"}, False),
        ({"engine": "podman"}, False),
        ({"filesystem": "ext4"}, False),  # not known
    ],
)
def test_a_fact_holds(where: dict[str, str], holds: bool) -> None:
    stated = worker("one", "docker@28", filesystem=None)
    assert bool(facts.unmet(where, stated)) is not holds


def test_the_cpu_level_is_the_loaders() -> None:
    """glibc's own loader says which levels it would search."""
    said = subprocess.run(
        ["/lib64/ld-linux-x86-64.so.2", "--help"], capture_output=True, text=True, check=True
    )
    levels = [int(one) for one in re.findall(r"x86-64-v(\d) \(supported", said.stdout)]
    assert facts.cpu_level(Path("/proc/cpuinfo").read_text()) == max(levels, default=1)


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_scenario_travels_whole(path: Path) -> None:
    scenario = loader.load(path)
    assert wire.unpack(wire.pack({"scenario": scenario}))["scenario"] == scenario


@pytest.mark.parametrize("text", ['{"=": "Popen", "args": "true"}', "[", '{"=": "Scenario"}'])
def test_what_is_no_value_of_a_fleet_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        wire.unpack(text)


def test_beyond_this_machine_a_certificate_is_asked_for() -> None:
    assert address("localhost", None).url == "tcp://localhost:8790"
    assert address("[::1]:9", None).url == "tcp://[::1]:9"
    for beyond in ("10.0.0.1", "builder.example:8790"):
        with pytest.raises(InputError, match="joined with a certificate"):
            address(beyond, None)
    with pytest.raises(InputError, match="no address"):
        address("host:99999", None)


def test_a_run_has_what_is_true_of_all_its_hosts() -> None:
    hosts = [worker("one")["host"], worker("two", kernel="6.6")["host"]]
    shared = session._shared(hosts)
    assert (shared.kernel, shared.glibc) == (None, "2.36")
