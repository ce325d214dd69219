"""A comparison as data: what lab.results.comparison makes of builds and every report shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lab.results.stats import Comparison, Summary, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column's builds of one phase. Seconds and bytes; None where nothing is known.

    ``ratio`` is the spread of the rounds' own ratios of wall time to the baseline, ``versus`` what
    statistics make of them, corrected for the number of comparisons in the table; ``verdict`` is
    that of ``versus``. ``cpu_versus`` is the same for CPU seconds.
    """

    column: str
    count: int
    failed: int
    disturbed: int = 0
    wall: Summary | None = None
    cpu: Summary | None = None
    hit_rate: Summary | None = None
    saved: Summary | None = None
    image_bytes: Summary | None = None
    critical: Summary | None = None
    steps: Summary | None = None
    unattributed: Summary | None = None
    marks: Mapping[str, Summary] = field(default_factory=dict)
    ratio: Summary | None = None
    verdict: Verdict = Verdict.UNDECIDED
    versus: Comparison | None = None
    cpu_versus: Comparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step in every column: outcome counts and durations, in the order of the columns.

    ``texts`` are all that its instruction was: an edit gives it another one each round.
    """

    stage: str
    instruction: str
    varies: bool
    texts: tuple[str, ...]
    outcomes: tuple[Mapping[str, int], ...]
    durations: tuple[Summary | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRows:
    """One phase: a measure for each column, and its steps."""

    phase: str
    measures: tuple[Measure, ...]
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The cells that are alike in every axis but that of the columns."""

    cell: Mapping[str, str]
    phases: tuple[PhaseRows, ...]


def measures(groups: Iterable[Group]) -> Iterator[Measure]:
    """Every measure of the groups."""
    return (measure for group in groups for rows in group.phases for measure in rows.measures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footnote:
    """Something the reader must know to read the numbers right."""

    kind: Literal[
        "skipped", "failed", "few", "unpaired", "metadata", "disturbed", "method", "undecided"
    ]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A comparison. ``baseline`` is the column that ratios refer to."""

    axis: str
    columns: tuple[str, ...]
    baseline: str | None
    groups: tuple[Group, ...]
    footnotes: tuple[Footnote, ...]

    def to_json(self) -> dict[str, Any]:
        """The table as ``--json`` prints it."""
        return asdict(self)
