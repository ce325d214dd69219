"""The answer of a validation: rows of probes, columns of kernel and engine, a verdict for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lab.model.finding import Finding

SCHEMA = "lab.validation/1"
BARE = "bare"  # the engine of a column without one
Word = Literal["runs", "runs with limits", "does not run", "skipped"]
Tone = Literal["good", "limit", "bad", "none"]
TONES: Mapping[str, Tone] = {
    "runs": "good",
    "runs with limits": "limit",
    "does not run": "bad",
    "skipped": "none",
}


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A pair of kernel and engine; the engine ``bare`` is none."""

    kernel: str
    engine: str = BARE

    @property
    def words(self) -> str:
        """``6.1 docker``; ``6.1`` without an engine."""
        return self.kernel if self.engine == BARE else f"{self.kernel} {self.engine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One answer: a word, how it is meant, and the reason on demand."""

    word: str
    tone: Tone = "none"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One probe in all columns; a column without a cell was not asked."""

    name: str
    group: str
    cells: Mapping[Column, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Of one pair. ``why`` are the limits, the reasons, or what to provide."""

    column: Column
    word: Word
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """All that was found of one image. ``facts`` are for people, ``figures`` for programs."""

    image: str
    origin: str
    verdicts: tuple[Verdict, ...]
    rows: tuple[Row, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    broken: tuple[Finding, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the order of the verdicts."""
        return tuple(verdict.column for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "schema": SCHEMA,
            "image": self.image,
            "origin": self.origin,
            "verdicts": [
                {**asdict(one.column), "verdict": one.word, "why": list(one.why)}
                for one in self.verdicts
            ],
            "rows": [
                {
                    "name": row.name,
                    "group": row.group,
                    "cells": [asdict(column) | asdict(cell) for column, cell in row.cells.items()],
                }
                for row in self.rows
            ],
            "findings": [asdict(one) for one in self.findings],
            "broken": [asdict(one) for one in self.broken],
            "labels": dict(self.labels),
            "figures": dict(self.figures),
            "notes": list(self.notes),
        }
