"""What a build used, as the engine's group tells it, against what the step itself was told."""

from __future__ import annotations

import os
import re

import pytest

from lab.engines.protocol import ContainerRequest
from lab.host.monitor.meter import Meter
from lab.host.usage import of_processes
from lab.model.events import Log, Ready
from tests.contract.conftest import Bench

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root here"),
]

# The shell's own account of itself (times, POSIX): an oracle inside the step.
BURN = "RUN n=0; while [ $n -lt 1500000 ]; do n=$((n+1)); done; times"
IDLE = "RUN sleep 1.5"


def test_cpu_seconds_cover_the_step_and_little_else(real_bench: Bench) -> None:
    burnt, own = _built(real_bench, BURN)
    assert own is not None
    assert own > 0.3
    idle, _ = _built(real_bench, IDLE)
    assert burnt.cpu_s is not None
    assert idle.cpu_s is not None
    assert burnt.cpu_s >= own * 0.97
    # What is left is the engine's own work, which the idle build shows.
    assert burnt.cpu_s - own <= idle.cpu_s + 0.25 * own
    assert idle.cpu_s < 1.0


def test_the_group_and_the_processes_agree(real_bench: Bench) -> None:
    usage = real_bench.engine.usage()
    assert usage is not None
    assert usage.source == "control group"
    assert usage.group is not None
    members = (usage.group.folders["cpuacct"] / "cgroup.procs").read_text().split()
    root = min(int(pid) for pid in members)  # the first process of the engine's namespace
    before, group_before = of_processes(root), usage.cpu_s
    _built(real_bench, BURN)
    usage, after = real_bench.engine.usage(), of_processes(root)
    assert before is not None
    assert after is not None
    assert usage is not None
    by_processes = (after.cpu_s or 0) - (before.cpu_s or 0)
    by_group = (usage.cpu_s or 0) - (group_before or 0)
    assert by_processes == pytest.approx(by_group, rel=0.05, abs=0.05)


def test_a_container_s_work_counts_as_well(real_bench: Bench) -> None:
    _built(real_bench, "RUN true")
    script = BURN.removeprefix("RUN ")
    request = ContainerRequest(image="localhost/lab/test:built", command=("sh", "-c", script))
    with Meter(real_bench.engine.usage) as meter:
        meter.begin()
        told = list(real_bench.engine.run(request))
        meter.end()
    said = _times(b"".join(event.data for event in told if isinstance(event, Log)).decode())
    assert said is not None
    assert meter.cpu_s is not None
    assert meter.cpu_s >= said * 0.97
    assert meter.cpu_s < said + 2.5  # the engine's own work for a container, on a busy machine


def test_memory_that_a_step_held_is_seen(real_bench: Bench) -> None:
    quiet, _ = _built(real_bench, IDLE)
    # A pipe's reader keeps one line of 150 MB until it ends. The next one's first byte
    # tells that it is held whole, on a slow machine too; only then the second begins.
    held, _ = _built(
        real_bench,
        "RUN head -c 150000000 /dev/zero | tail -n 1 | (head -c 1 >/dev/null; sleep 1; wc -c)",
    )
    assert quiet.peak_memory_bytes is not None
    assert held.peak_memory_bytes is not None
    more = held.peak_memory_bytes - quiet.peak_memory_bytes
    assert 130e6 < more < 400e6


def _built(bench: Bench, step: str) -> tuple[Meter, float | None]:
    with Meter(bench.engine.usage) as meter:
        outcome = bench.build(
            f"FROM BASE\n{step}\n",
            cold=True,
            on_event=lambda event: meter.begin() if isinstance(event, Ready) else None,
        )
        meter.end()
    assert outcome.status == "ok", outcome.reason
    return meter, _times(bench.logs.decode())


def _times(text: str) -> float | None:
    said = re.search(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s", text)
    if said is None:
        return None
    minutes, seconds, system_minutes, system_seconds = map(float, said.groups())
    return 60 * (minutes + system_minutes) + seconds + system_seconds
