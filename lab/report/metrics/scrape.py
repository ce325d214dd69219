"""The figures of a results folder as Prometheus scrapes them.

Of each scenario and branch the newest run that ended counts. A branch that is not built any more
stays the newest of its name, so the branches that were built last are kept, as many as fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lab.report.tool_formats import prometheus
from lab.results import heads, runs
from lab.results.runs import StoredRun

MOST_SERIES = 1_999
_OF_FOLDER = 2


@dataclass(slots=True)
class Scrape:
    """Gives a folder's figures again and again: a run that was read once is not read anew."""

    results: Path
    most: int = MOST_SERIES
    _read: dict[str, tuple[StoredRun, int]] = field(default_factory=dict)

    def text(self) -> str:
        """Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/."""
        newest: dict[tuple[str, str | None], heads.Head] = {}
        count = 0
        for head in heads.heads(self.results):
            count += 1
            if head.built and head.status in {"complete", "failed"} and head.made_by is None:
                newest[head.scenario, head.origin.branch] = head
        kept: list[StoredRun] = []
        left, known = self.most - _OF_FOLDER, self._read
        self._read = {}
        ordered = sorted(newest.values(), key=lambda one: one.started, reverse=True)
        for head in ordered:
            one = known.get(head.folder.name) or _measured(head.folder)
            if one is None:
                continue
            if one[1] > left:
                break
            left -= one[1]
            self._read[head.folder.name] = one
            kept.append(one[0])
        return prometheus(kept) + _of_folder(count, len(ordered) - len(kept))


def _measured(folder: Path) -> tuple[StoredRun, int] | None:
    """A run, and how many series it makes; None where it cannot be read."""
    stored = runs.readable(folder)
    if stored is None:
        return None
    lines = prometheus([stored]).split("\n")
    return stored, sum(bool(line) and not line.startswith("#") for line in lines)


def _of_folder(count: int, left_out: int) -> str:
    return (
        "# HELP lab_runs Runs in the results folder.\n# TYPE lab_runs gauge\n"
        f"lab_runs {count}\n"
        "# HELP lab_branches_left_out Branches built longest ago, whose series would be too many.\n"
        f"# TYPE lab_branches_left_out gauge\nlab_branches_left_out {left_out}\n"
    )
