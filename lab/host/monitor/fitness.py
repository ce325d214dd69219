"""What disturbed a build, and whether its times are fit to compare. Pure; docs/fitness.md.

A disturbance is what others did to the build: its own use of CPU, disk and memory is its work.
Each rule has two limits: from the first on a build is degraded, from the second on unfit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.model import units

FIT, DEGRADED, UNFIT = "fit", "degraded", "unfit"
ENOUGH = 0.5  # of a run's builds must be fit; else the run is unfit
NEVER = float("inf")

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One disturbance: a figure of the build, its limits, and words for it.

    ``value`` gives None where the figure is not known. ``name`` is what a control may ask for.
    """

    name: str
    words: str
    value: Callable[[Facts], float | None]
    shown: Callable[[float], str]
    degraded: float
    unfit: float = NEVER

    def reason(self, value: float, found: Facts) -> str:
        """The rule's words and, in brackets, the figure."""
        beside = found.get("containers") if self.name == "foreign-cpu" else None
        more = f", other containers: {beside}" if beside else ""
        return f"{self.words} ({self.shown(value)}{more})"


def _share(key: str, *, at_least: float, per_cpu: bool = False) -> Callable[[Facts], float | None]:
    """Seconds under ``key`` as a share of the build's time, of all CPUs where they are CPU time.

    Less than ``at_least`` seconds is no more than the kernel's counting in ticks can be wrong by.
    """

    def value(found: Facts) -> float | None:
        amount, wall = found.get(key), found.get("watched_s")
        if amount is None or not wall:
            return None
        if amount < at_least:
            return 0.0
        return float(amount) / (float(wall) * float((found.get("cpus") or 1) if per_cpu else 1))

    return value


def _amount(key: str) -> Callable[[Facts], float | None]:
    return lambda found: None if found.get(key) is None else abs(float(found[key]))


def _size(value: float) -> str:
    return units.size(round(value))


RULES = (
    Rule(
        name="foreign-cpu",
        words="others used the CPUs",
        value=_share("foreign_cpu_s", at_least=0.1, per_cpu=True),
        shown=units.percent,
        degraded=0.10,
        unfit=0.50,
    ),
    Rule(
        name="steal",
        words="the hypervisor took CPU time",
        value=_share("steal_s", at_least=0.05, per_cpu=True),
        shown=units.percent,
        degraded=0.02,
        unfit=0.20,
    ),
    Rule(
        name="throttled",
        words="a CPU quota held the engine back",
        value=_share("throttled_s", at_least=0.02),
        shown=units.percent,
        degraded=0.01,
        unfit=0.25,
    ),
    Rule(
        name="memory",
        words="tasks waited for memory",
        value=_share("memory_stalled_s", at_least=0.05),
        shown=units.percent,
        degraded=0.05,
        unfit=0.50,
    ),
    Rule(
        name="foreign-io",
        words="others waited for the disk",
        value=_share("foreign_io_stalled_s", at_least=0.1),
        shown=units.percent,
        degraded=0.25,
        unfit=0.90,
    ),
    Rule(
        name="network",
        words="data came over the network",
        value=_amount("received_bytes"),
        shown=_size,
        degraded=1e6,
    ),
    Rule(
        name="evicted",
        words="the engine dropped parts of its cache",
        value=_amount("evicted"),
        shown=lambda count: f"{count:.0f}",
        degraded=1,
    ),
    Rule(
        name="clock",
        words="the clock was set",
        value=_amount("clock_step_s"),
        shown=units.seconds,
        degraded=0.02,
    ),
    Rule(
        name="slept",
        words="the machine slept",
        value=_amount("slept_s"),
        shown=units.seconds,
        degraded=0.02,
        unfit=0.02,
    ),
)


def fitness(found: Facts, asked: Collection[str] = ()) -> str:
    """``fit``, ``degraded: why`` or ``unfit: why``; of what is not known nothing is said.

    ``asked`` names the rules whose disturbance the scenario itself asked for.
    """
    reasons: dict[str, list[str]] = {UNFIT: [], DEGRADED: []}
    for rule in RULES:
        value = rule.value(found)
        if value is None or value < rule.degraded or rule.name in asked:
            continue
        reasons[UNFIT if value >= rule.unfit else DEGRADED].append(rule.reason(value, found))
    if not any(reasons.values()):
        return FIT
    state = UNFIT if reasons[UNFIT] else DEGRADED
    return f"{state}: {'; '.join(reasons[UNFIT] + reasons[DEGRADED])}"


def is_fit(fitness: str | None) -> bool:
    """Whether a build counts in verdicts; so does one of unknown fitness, as in earlier records."""
    return fitness is None or fitness == FIT


def of_run(builds: Iterable[str | None]) -> str | None:
    """A run's fitness out of its builds'; None where that of all of them is unknown."""
    known = [build for build in builds if build is not None]
    bad = [build for build in known if not is_fit(build)]
    if not bad:
        return FIT if known else None
    causes = Counter(
        reason.partition(" (")[0]
        for build in bad
        for reason in build.partition(": ")[2].split("; ")
    )
    listed = ", ".join(f"{cause} ({count})" for cause, count in causes.most_common(3))
    state = UNFIT if len(known) - len(bad) < ENOUGH * len(known) else DEGRADED
    return f"{state}: {len(bad)} of {len(known)} builds were disturbed: {listed}"
