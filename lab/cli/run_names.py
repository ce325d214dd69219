"""What runs side by side are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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


def of(named: Mapping[str, StoredRun], ref: str | None, results: Path) -> str | None:
    """What the run that ``ref`` names is called among these; None for none.

    Raises InputError where it is not among them.
    """
    from lab.results import selector

    if ref is None or ref in named:
        return ref
    folder = selector.find_among(ref, [one.folder for one in named.values()], results)
    if folder is None:
        raise InputError(
            f"the baseline {ref!r} is none of the runs that are compared",
            remedy=f"name one of: {', '.join(named)}",
        )
    return next(name for name, one in named.items() if one.folder == folder)
