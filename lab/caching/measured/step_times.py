"""How long each instruction took in a run's builds, whenever it really ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from lab.host.monitor import fitness
from lab.model import engine_name
from lab.model.events import Outcome
from lab.model.record import Build


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The middle of ``count`` figures, such as seconds, the least and the most."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Of one figure or more."""
        return cls(
            median=median(samples), least=min(samples), most=max(samples), count=len(samples)
        )


def ranged(one: Spread, shown: Callable[[float], str]) -> str:
    """The least, the most and the count in words; a unit that both have stands once."""
    if one.count == 1:
        return "n = 1"
    return f"{between(one.least, one.most, shown)}, n = {one.count}"


def between(least: float, most: float, shown: Callable[[float], str]) -> str:
    """From the one to the other, as `ranged` says it; one of them where both are shown alike."""
    low, high = shown(least), shown(most)
    number, _, unit = low.rpartition(" ")
    same = bool(number) and unit == high.rpartition(" ")[2] and " " not in number
    return high if low == high else f"{number if same else low} to {high}"


def counted(builds: Sequence[Build]) -> Sequence[Build]:
    """Those of them that the machine did not disturb; all, where fewer than half of them are so."""
    fit = [one for one in builds if fitness.is_fit(one.fit)]
    return fit if len(fit) >= len(builds) * fitness.ENOUGH else builds


def samples(builds: Iterable[Build], engine: str) -> dict[str, list[float]]:
    """Seconds by the instruction's text, of this engine's builds that ran it and that count."""
    found: dict[str, list[float]] = {}
    of_engine = [one for one in builds if one.cell.get("engine") == engine and not one.warm_up]
    for build in counted(of_engine):
        for step in build.steps:
            if step.outcome is Outcome.MISS and step.duration_s is not None:
                found.setdefault(" ".join(step.instruction.split()), []).append(step.duration_s)
    return found


def step_times(builds: Sequence[Build], engine: str) -> dict[str, Spread]:
    """The times of this engine's builds; of another version of it where there are none."""
    names = {build.cell.get("engine", "") for build in builds}
    family = engine_name.family(engine)
    alike = sorted(name for name in names if engine_name.family(name) == family)
    chosen = engine if engine in names else next(iter(alike), "")
    return {text: Spread.of(times) for text, times in samples(builds, chosen).items()}


def total(times: Sequence[Spread]) -> Spread | None:
    """All of them one after another; None of none. The least and the most are bounds: they add up
    the best and the worst of each.
    """
    if not times:
        return None
    return Spread(
        median=sum(one.median for one in times),
        least=sum(one.least for one in times),
        most=sum(one.most for one in times),
        count=min(one.count for one in times),
    )
