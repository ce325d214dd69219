"""What statistics say of the cells side by side, corrected for how many are compared. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.model.record import Build, RunOptions
from lab.results.stats import (
    MARGIN,
    Comparison,
    Looks,
    Verdict,
    compare_paired,
    compare_unpaired,
    corrected,
)
from lab.results.table import Group, Measure, measures

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


def asked_of(options: RunOptions, seed: int) -> Asked:
    """What a run's own options ask: how it was sampled decides which tests are honest."""
    if options.until is None or options.rounds is None:
        return Asked(seed=seed)
    looks = Looks(options.until.least, options.rounds)
    return Asked(margin=options.until.margin, looks=looks, seed=seed)


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
    verdicts = {
        kind: iter(corrected([one for m in measures(groups) if (one := getattr(m, kind))]))
        for kind in ("versus", "cpu_versus")
    }

    def with_verdict(measure: Measure) -> Measure:
        by_kind = {kind: next(found) for kind, found in verdicts.items() if getattr(measure, kind)}
        made = replace(measure, **by_kind)  # type: ignore[arg-type]  # the names are Measure's own
        return replace(made, verdict=made.versus.verdict if made.versus else Verdict.UNDECIDED)

    return tuple(
        replace(
            group,
            phases=tuple(
                replace(rows, measures=tuple(map(with_verdict, rows.measures)))
                for rows in group.phases
            ),
        )
        for group in groups
    )
