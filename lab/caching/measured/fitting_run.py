"""The latest run that built a Dockerfile, or nearly it: whose times say what its steps cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from lab.host.disk import disk
from lab.model.errors import InputError
from lab.model.record import HIT_RATE_KEYWORDS
from lab.results import runs

LOOKED_AT = 50  # runs, the latest first
_BEGINNING = 1 << 20  # bytes of a run's records: some builds


def fitting_run(instructions: Collection[str], results: Path) -> runs.StoredRun | None:
    """The latest run of which a build had at least half of these instructions; None: there is none.

    ``instructions`` are texts on one line. RUNs tell Dockerfiles apart; where there are none, COPY
    and ADD have to.
    """
    copies = {text for text in instructions if text.partition(" ")[0] in HIT_RATE_KEYWORDS}
    wanted = {text for text in copies if text.startswith("RUN ")} or copies
    if not wanted:
        return None
    for name in runs.runs(results)[: -LOOKED_AT - 1 : -1]:
        folder = results / name
        fits = any(2 * len(wanted & had) >= len(wanted) for had in _had(folder))
        if fits and (found := runs.readable(folder)) is not None:
            return found
    return None


def _had(folder: Path) -> Iterator[set[str]]:
    """The instructions of a run's first builds. What cannot be read fits nothing."""
    path = folder / runs.BUILDS_FILE
    if not path.exists():
        return
    with disk(path), path.open("rb") as file:
        lines = file.read(_BEGINNING).split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            build = runs.build(line, path, number)
        except InputError:
            return
        if build.status == "ok":
            yield {" ".join(step.instruction.split()) for step in build.steps}
