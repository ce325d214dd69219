"""A diagnosis as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from lab.model import cell_names, units
from lab.report.formatting import one_line
from lab.results.diagnosis.diagnose import Diagnosis, Shown, Since

_WORDS = {
    "failed": "failed",
    "new": "new line",
    "flood": "flood of lines",
    "slowed": "slower",
    "version": "another version",
    "missing": "missing line",
}
_FEW = 5


def text(found: Sequence[Diagnosis], *, every: bool = False) -> str:
    """Each cell and phase that shows something; ``every`` finding, or the first few."""
    lines = [line for one in found if one.shown for line in _lines(one, every=every)]
    quiet = [one for one in found if not one.shown]
    compared = [one for one in quiet if one.good]
    if compared:
        builds = units.counted(sum(one.builds for one in compared), "build")
        lines.append(f"{builds} as good builds are: nothing new, missing or slower in their output")
    if len(compared) < len(quiet):
        lines.append(
            f"{units.counted(sum(one.builds for one in quiet if not one.good), 'build')} without "
            "good builds to compare with: run once more, or name a run with --against"
        )
    return "\n".join(lines) + "\n"


def as_json(found: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """For programs."""
    return [asdict(one) for one in found]


def _lines(one: Diagnosis, *, every: bool) -> Iterator[str]:
    name = f"{cell_names.full(dict(one.cell))}, {one.phase}"
    state = f"{one.failed} of {units.counted(one.builds, 'build')} failed"
    yield f"{one_line(name, 160)}: {state}; compared with {units.counted(one.good, 'good build')}"
    shown = one.shown if every else one.shown[:_FEW]
    for found in shown:
        yield from _finding(found, one)
    if len(shown) < len(one.shown):
        yield f"  {len(one.shown) - len(shown)} more: --all"
    for note in one.notes:
        yield f"  note: {note}"


def _finding(shown: Shown, one: Diagnosis) -> Iterator[str]:
    found = shown.finding
    longer = "" if found.seconds is None else f" by {units.seconds(found.seconds)}"
    where = f"step {found.step}, " if found.step is not None else ""
    step = one_line(f"{found.stage}: {found.instruction}", 100) if where else "no step"
    yield f"  {_WORDS[found.kind]}{longer}: {where}{step}"
    if found.text is not None:
        line = "" if found.line is None else f"line {found.line}: "
        yield f"    {line}{one_line(found.text, 300)}"
    many = "" if one.builds == 1 else f"; in {len(shown.builds)} of {one.builds} builds"
    yield f"    {one_line(found.detail, 300)}{many}"
    yield f"    {_since(shown.since)}"


def _since(since: Since) -> str:
    commit = "" if since.commit is None else f", commit {since.commit}"
    text = f"first in {since.run}, {since.build}{commit}"
    if since.others:
        return f"{text}; it comes and goes: {since.others} of {since.looked} builds before had it"
    if not since.looked:
        return f"{text}; no build before ran this step"
    return text
