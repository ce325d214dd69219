"""Findings and probes -> one verdict for each pair of kernel and engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lab.images.elf import ordered
from lab.model.finding import Finding
from lab.validate.inspect import Inspection
from lab.validate.matrix import Column, Row, Verdict, Word


def verdict(
    seen: Inspection,
    column: Column,
    *,
    version: str | None,
    rows: Sequence[Row] = (),
    limits: Sequence[Finding] = (),
    failed: Sequence[str] = (),
) -> Verdict:
    """The verdict of a pair. ``version`` is the kernel's, None where it is unknown.

    ``limits`` are findings besides those of the image: copies of a Dockerfile. ``failed`` says what
    of the image was run there and did not come to a good end.
    """
    stops = [f"{one.place}: {one.message}" for one in seen.fatal]
    need = seen.needs.kernel
    if need is not None and version is not None and ordered(version) < ordered(need.version):
        stops.append(
            f"/{need.askers[0]} needs Linux {need.version}, this is {version}: "
            "the loader says 'kernel too old'"
        )
    stops += failed
    if stops:
        return Verdict(column=column, word="does not run", why=tuple(stops))
    why = [
        f"{finding.place}: {finding.message}"
        for finding in (*limits, *seen.findings)
        if finding.level in {"error", "warning"}
    ]
    for row in rows:
        cell = row.cells.get(column)
        # A call that is blocked limits an image only where its libc would have to have it.
        if cell is not None and cell.tone == "bad":
            why.append(f"{row.name}: {cell.word}" + (f" ({cell.why})" if cell.why else ""))
    word: Word = "runs with limits" if why else "runs"
    return Verdict(column=column, word=word, why=tuple(why))


def skipped(column: Column, provide: str) -> Verdict:
    """A pair that cannot be had here, and what to provide."""
    return Verdict(column=column, word="skipped", why=(provide,))
