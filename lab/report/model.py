"""All that a report says, as plain strings and numbers; each renderer gives it its own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.report.chart_data import ChartData, Tile
from lab.report.headline import Headline
from lab.report.line_ranking import NONE, Ranking
from lab.results.table import Table

CAUSE = "cause"


Tiles = dict[tuple[int, str], dict[int, list[Tile]]]
"""(place of a group, phase) -> order of a step -> its tiles, one a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of strings. ``marked`` are the rows that deserve the reader's eye; ``keys`` say by
    what a column is sorted where its text does not."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    keys: tuple[tuple[float | str | None, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportGroup:
    """The cells alike in all but the columns: phases, where their time went, and their steps."""

    title: str
    cell: Mapping[str, str]
    phases: Grid
    times: Grid
    steps: tuple[tuple[str, Grid], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAnswer:
    """Which cache to give fresh runners of one engine: in a sentence, and all in a table.

    ``take`` is the strategy, None where none is sure to beat a job without a cache.
    """

    title: str
    answer: str
    take: str | None
    grid: Grid
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A build that failed, and how to see it fail again."""

    title: str
    message: str
    log_tail: str
    replay: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportModel:
    """All that a report says. ``doubts`` are those of the footnotes that tell of cells without
    figures, and of figures that were left out."""

    title: str
    status: str
    headline: Headline
    facts: tuple[tuple[str, str], ...]
    groups: tuple[ReportGroup, ...]
    broken: tuple[str, ...]
    failures: tuple[Failure, ...]
    footnotes: tuple[str, ...]
    repeat: tuple[str, ...]
    scenarios: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()
    ranking: Ranking = NONE
    caches: tuple[CacheAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One comparison: its table, what a report says of it, and what its charts show."""

    table: Table
    model: ReportModel
    charts: ChartData
