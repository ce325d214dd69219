"""The matrix as a page of the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from lab.caching.matrix import Kind, Matrix

HEAD = """# What each engine's cache makes of an edit

Made by `make matrix`, which builds, edits and builds again on every version: change it there, not
here. Docker's cells were seen twice, but for docker-classic@20.10 and the kinds with secret or ssh
mounts; those and Podman's once so far. A step keeps a random value;
where the value is the same after the edit the step was taken from the cache (`hit`), else it was
run again (`MISS`). A dash: the engine cannot build this. A question mark: not measured yet.

The step asked about is a RUN that stands after the edited place, so that a miss says that the
edit, or what came of it, is in the RUN's key; where a COPY is asked about, the row says so. The
context is sent as an archive, as `lab run` sends it; secrets are handed over by the engines' own
clients. `lab explain`, `lab predict` and `lab advise` are held to this table by a test, but for the
rows with a star: there what changes lies neither in the Dockerfile nor in the context nor in the
arguments, as far as the lab reads them. In a row with two stars they may foretell a miss where an
engine hits: it looks deeper than they do.

| engine | measured |
| --- | --- |
{engines}

"""
SHOWN = {"hit": "hit", "miss": "MISS", "refused": "-", "unknown": "?"}


def page(matrix: Matrix, kinds: Iterable[Kind]) -> str:
    """The whole page."""
    engines = "\n".join(f"| {name} | {version} |" for name, version in matrix.versions.items())
    parts = [HEAD.format(engines=engines)]
    for group, some in groupby(kinds, lambda kind: kind.group):
        parts.append(f"## {group[:1].upper()}{group[1:]}\n\n" + "\n".join(_table(matrix, some)))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _table(matrix: Matrix, kinds: Iterable[Kind]) -> Iterator[str]:
    yield "| edit | " + " | ".join(matrix.cells) + " |"
    yield "| --- |" + " --- |" * len(matrix.cells)
    for kind in kinds:
        cells = [SHOWN[of[kind.title]] for of in matrix.cells.values()]
        star = " \\*" if kind.outside else " \\*\\*" if kind.cautious else ""
        yield f"| {kind.name.replace('*', chr(92) + '*')}{star} | {' | '.join(cells)} |"
