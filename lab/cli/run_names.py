"""What runs side by side are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.results.runs import StoredRun


def short(found: Sequence[tuple[str, StoredRun]]) -> dict[str, StoredRun]:
    """Runs by what tells them apart: the folder's name, without the scenario's where all share it.

    What the user wrote is long, and the same at its beginning where a chart cuts it off.
    """
    stored = [one for _, one in found]
    folders = [one.folder.resolve().name for one in stored]
    scenarios = {one.run.scenario.name for one in stored}
    shared = f"-{scenarios.pop()}" if len(scenarios) == 1 else ""
    for names in ([name.removesuffix(shared) for name in folders], folders):
        if len(set(names)) == len(stored):
            return dict(zip(names, stored, strict=True))
    return dict(found)
