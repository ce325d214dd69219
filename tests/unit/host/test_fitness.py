"""From what was seen to fit, degraded or unfit; what is not known is never held against a build."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.host.monitor import fitness as disturbance
from lab.host.monitor import machine
from lab.host.monitor.fitness import RULES, fitness, of_run
from lab.model import units
from lab.model.record import Run
from lab.report.setting import cpu_unknown
from tests import factories

QUIET = {
    "watched_s": 10.0,
    "cpus": 2,
    "foreign_cpu_s": 0.3,
    "steal_s": 0.0,
    "cpu_stalled_s": 6.0,  # of the build's own making
    "io_stalled_s": 3.0,
    "memory_stalled_s": 0.0,
    "foreign_io_stalled_s": 0.2,
    "throttled_s": 0.0,
    "received_bytes": 5000,
    "containers": 4,
    "clock_step_s": 1e-5,
    "slept_s": 0.0,
}


def test_a_hungry_build_on_a_quiet_machine_is_fit() -> None:
    assert fitness(QUIET) == "fit"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("foreign_cpu_s", 5.0, "degraded: others used the CPUs (25 %, other containers: 4)"),
        ("foreign_cpu_s", 12.0, "unfit: others used the CPUs (60 %, other containers: 4)"),
        ("steal_s", 1.0, "degraded: the hypervisor took CPU time (5 %)"),
        ("throttled_s", 3.0, "unfit: a CPU quota held the engine back (30 %)"),
        ("memory_stalled_s", 1.0, "degraded: tasks waited for memory (10 %)"),
        ("foreign_io_stalled_s", 4.0, "degraded: others waited for the disk (40 %)"),
        ("received_bytes", 34_100_000, "degraded: data came over the network (34.1 MB)"),
        ("clock_step_s", -3.0, "degraded: the clock was set (3 s)"),
        ("slept_s", 60.0, "unfit: the machine slept (60 s)"),
        ("evicted", 3, "degraded: the engine dropped parts of its cache (3)"),
    ],
)
def test_each_disturbance_is_named_with_its_figure(field: str, value: float, expected: str) -> None:
    assert fitness(QUIET | {field: value}) == expected


def test_the_worst_comes_first_and_what_was_asked_for_is_none() -> None:
    found = QUIET | {"steal_s": 1.0, "foreign_cpu_s": 12.0, "containers": 0}
    assert fitness(found) == (
        "unfit: others used the CPUs (60 %); the hypervisor took CPU time (5 %)"
    )
    assert fitness(found, asked={"foreign-cpu", "steal"}) == "fit"


def test_ticks_of_a_short_build_are_not_held_against_it() -> None:
    assert fitness({"watched_s": 0.1, "cpus": 2, "foreign_cpu_s": 0.05}) == "fit"


@given(
    st.dictionaries(
        st.sampled_from([*QUIET, "evicted"]), st.none() | st.floats(0, 1e9), max_size=14
    )
)
def test_more_disturbance_never_makes_a_build_fitter(found: dict[str, Any]) -> None:
    order = ["fit", "degraded", "unfit"]
    base = {"watched_s": 5.0, "cpus": 2}
    before = order.index(fitness(base | {"steal_s": 0.0}).partition(":")[0])
    seen = {key: value for key, value in found.items() if key not in base}
    after = order.index(fitness(base | {"steal_s": 0.0} | seen).partition(":")[0])
    assert after >= before
    for key in seen:
        less = fitness(base | {name: value for name, value in seen.items() if name != key})
        assert order.index(less.partition(":")[0]) <= after


def test_a_run_is_as_fit_as_its_builds() -> None:
    bad = fitness(QUIET | {"foreign_cpu_s": 5.0, "steal_s": 1.0})
    assert of_run([]) is None
    assert of_run([None, None]) is None
    assert of_run([None, "fit"]) == "fit"
    assert of_run(["fit", "fit", bad]) == (
        "degraded: 1 of 3 builds were disturbed: "
        "others used the CPUs (1), the hypervisor took CPU time (1)"
    )
    said = of_run(["fit", bad, bad])
    assert said is not None
    assert said.startswith("unfit: 2 of 3 builds")


def test_the_documented_limits_are_the_code_s() -> None:
    text = (Path(__file__).parents[3] / "docs/fitness.md").read_text()
    for rule in RULES:
        line = next(line for line in text.splitlines() if line.startswith(f"| {rule.words}"))
        *_, degraded, unfit = [cell.strip() for cell in line.strip("| ").split("|")]
        limits = [rule.degraded if rule.degraded < rule.unfit else disturbance.NEVER, rule.unfit]
        for said, limit in zip((degraded, unfit), limits, strict=True):
            assert said == (units.MISSING if limit == disturbance.NEVER else rule.shown(limit)), (
                line
            )


def test_what_the_kernel_tells_is_read(tmp_path: Path) -> None:
    assert machine.cpu_times("cpu  100 20 30 999 50 5 5 40 7 0\ncpu0 1 2\n") == (1.6, 0.4)
    assert machine.cpu_times("nothing") == (None, None)
    text = "some avg10=1.00 avg60=0.0 avg300=0.0 total=2500000\nfull avg10=0.00 total=7\n"
    assert machine.pressure(text) == 2.5
    assert machine.pressure("") is None
    table = "head\n lo: 9 0\n eth0: 100 1\nveth1: 5 5\n tap0:7 1\n"
    assert machine.received(table) == 107
    seen = machine.read(None, tmp_path)
    assert (seen.busy_s, seen.cached_bytes, seen.received_bytes) == (None, None, None)


def test_this_machine_is_read_as_its_files_have_it() -> None:
    seen = machine.read(None)
    size = re.search(r"^Cached: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert size is not None
    assert seen.cached_bytes == pytest.approx(int(size[1]) * 1024, rel=0.2)
    assert seen.busy_s is not None
    assert seen.busy_s > 0


def test_a_report_says_why_cpu_time_is_not_known() -> None:
    def run(*, private: bool) -> Run:
        return factories.run(engines=(replace(factories.ENGINE, private=private),))

    assert cpu_unknown([run(private=True)]) == []
    (said,) = cpu_unknown([run(private=False), run(private=False)])
    assert said.startswith("the CPU time of builds on docker is not known")
