"""What statistics say of the cells side by side, corrected for how many are compared. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.model.record import Build
from lab.results.stats import (
    MARGIN,
    Comparison,
    Looks,
    Verdict,
    compare_paired,
    compare_unpaired,
    corrected,
)
from lab.results.table import Footnote, Group, Measure

Value = Callable[[Build], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of the comparisons: the same within ``margin``; ``looks`` where rounds went on
    until that was decided; ``seed`` of the resampling; ``questions`` how many there are.
    """

    margin: float = MARGIN
    looks: Looks | None = None
    seed: int = 1
    questions: int = 1


def asked_of(options: Mapping[str, Any], seed: int) -> Asked:
    """What a run's own options ask: how it was sampled decides which tests are honest."""
    until = options.get("until")
    if not isinstance(until, dict):
        return Asked(seed=seed)
    looks = Looks(int(until["least"]), int(options["rounds"]))
    return Asked(margin=float(until["margin"]), looks=looks, seed=seed)


def wall(build: Build) -> float | None:
    """Seconds by the clock."""
    return build.wall_s


def cpu(build: Build) -> float | None:
    """Seconds of the CPUs."""
    return build.cpu_s


def versus(
    value: Value, builds: Sequence[Build], base: Mapping[int, Build], asked: Asked, *, paired: bool
) -> Comparison | None:
    """Builds against the baseline's, both measured: by round, or where they share none, at all."""
    known = {build.round: found for build in builds if (found := value(build)) is not None}
    other = {number: found for number, one in base.items() if (found := value(one)) is not None}
    if not paired:
        return compare_unpaired(list(known.values()), list(other.values()), margin=asked.margin)
    pairs = [(known[number], other[number]) for number in sorted(known) if number in other]
    return compare_paired(
        pairs,
        margin=asked.margin,
        looks=asked.looks,
        seed=asked.seed,
        questions=asked.questions,
    )


def judged(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups with their verdicts corrected for the number of comparisons in the table."""
    told = {
        kind: iter(corrected([one for m in _measures(groups) if (one := getattr(m, kind))]))
        for kind in ("versus", "cpu_versus")
    }

    def again(measure: Measure) -> Measure:
        by_kind = {kind: next(found) for kind, found in told.items() if getattr(measure, kind)}
        made = replace(measure, **by_kind)  # type: ignore[arg-type]  # the names are Measure's own
        return replace(made, verdict=made.versus.verdict if made.versus else Verdict.UNDECIDED)

    return tuple(
        replace(
            group,
            phases=tuple(
                replace(rows, measures=tuple(map(again, rows.measures))) for rows in group.phases
            ),
        )
        for group in groups
    )


def _measures(groups: Sequence[Group]) -> Iterator[Measure]:
    return (measure for group in groups for rows in group.phases for measure in rows.measures)


def doubts(groups: Sequence[Group], asked: Asked) -> Iterator[Footnote]:
    """How the verdicts were come by, and what the undecided ones would take."""
    found = [one for measure in _measures(groups) if (one := measure.versus)]
    if not found:
        return
    first = found[0]
    looked = ""
    if asked.looks is not None:
        from lab.results.stats.sequential import EARLY

        looked = (
            f"; a sequential test, for it was looked at from round {asked.looks.first} on, "
            f"{asked.looks.last} at most: up to round {EARLY} by paired t-tests"
        )
    yield Footnote(
        kind="method",
        text=f"verdicts: faster or slower by a signed-rank test of the rounds' ratios, same within "
        f"{asked.margin * 100:g} % by two one-sided ones, wrong in at most "
        f"{(1 - first.confidence) * 100:.3g} % of tables: corrected by Holm for {len(found)} "
        f"comparisons{looked}; an interval holds its own ratio at {first.confidence * 100:g} %",
    )
    few = [one for one in found if one.interval is None]
    if few:
        yield Footnote(
            kind="few",
            text=f"n = {min(one.count for one in few)} in places: too few rounds for an interval "
            f"at {first.confidence * 100:g} %, which takes 6 or more (rounds: in the scenario)",
        )
    open_ = [one for one in found if one.verdict is Verdict.UNDECIDED]
    needed = [one.needed_rounds for one in open_ if one.needed_rounds is not None]
    if needed:
        yield Footnote(
            kind="undecided",
            text=f"undecided: {len(open_)} of {len(found)}; about {max(needed)} more rounds would "
            f"decide {'it' if len(needed) == 1 else 'each of them'} (an estimate from the rounds "
            "so far)",
        )
    if len(needed) < len(open_):
        yield Footnote(
            kind="undecided",
            text=f"{len(open_) - len(needed)} of the undecided cannot be told how many rounds they "
            "would take: too few rounds, or more than anybody would run",
        )
