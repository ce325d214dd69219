"""One target -> one Validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lab.model.finding import Finding
from lab.validate import inspect, rows, verdicts
from lab.validate.inspect import Inspection
from lab.validate.matrix import Column, Row, Validation, Verdict
from lab.validate.policy import Judge
from lab.validate.results import Asked, Probed
from lab.validate.targets import Target

READ = "{}: judged by what the image's files say; nothing of it was run"
EMULATED = "{}: emulated, so nothing about time can be said from it"


def validate(
    target: Target, *, asked: Asked, probed: Probed, judge: Judge | None = None
) -> Validation:
    """Look at a target and judge it on every column."""
    if target.image is None:
        return unreadable(target, asked.columns)
    seen = inspect.inspect(target.image)
    name = target.image.name  # a Dockerfile's target is probed as its base
    asked_of = rows.rows(name, asked.columns, probed)
    limits = tuple(one for one in target.findings if one.level != "note")
    found = tuple(_verdict(seen, column, asked_of, probed, limits) for column in asked.columns)
    read = [one.words for one in asked.columns if (name, one) not in probed.answers]
    read = [one for one in read if one not in {column.words for column in probed.skipped}]
    notes = [READ.format(", ".join(dict.fromkeys(read)))] if read else []
    if probed.emulated:
        notes.append(EMULATED.format(", ".join(sorted(probed.emulated))))
    return Validation(
        image=target.name,
        origin=target.image.origin,
        verdicts=found,
        rows=asked_of,
        facts=inspect.facts(seen),
        findings=(*target.findings, *seen.findings),
        broken=() if judge is None else judge.broken(seen, found, probed.versions),
        labels=seen.needs.labels(),
        figures=figures(seen),
        notes=(*notes, *probed.notes),
    )


def _verdict(
    seen: Inspection,
    column: Column,
    asked_of: Sequence[Row],
    probed: Probed,
    limits: Sequence[Finding],
) -> Verdict:
    if column in probed.skipped:
        return verdicts.skipped(column, probed.skipped[column])
    return verdicts.verdict(
        seen,
        column,
        version=probed.versions.get(column.kernel),
        rows=asked_of,
        limits=limits,
        failed=(
            *rows.failed(probed.answers.get((seen.image.name, column))),
            *_refused(seen.image.name, column, probed),
        ),
    )


def _refused(image: str, column: Column, probed: Probed) -> tuple[str, ...]:
    """Why no container of the image came to a good end, whatever the kernel."""
    why = probed.failed.get((image, column.engine))
    return () if why is None else (f"in a container of {column.engine} here: {why}",)


def unreadable(target: Target, columns: tuple[Column, ...]) -> Validation:
    """An image that could not be opened: it runs nowhere; one that is not here is skipped."""
    if target.provide is not None:
        return Validation(
            image=target.name,
            origin="not to be had here",
            verdicts=tuple(verdicts.skipped(one, target.provide) for one in columns),
            findings=target.findings,
        )
    why = target.unreadable or "it cannot be read"
    found = Finding(rule="unreadable-image", level="error", place="/", message=why)
    return Validation(
        image=target.name,
        origin="unreadable",
        verdicts=tuple(Verdict(column=one, word="does not run", why=(why,)) for one in columns),
        findings=(*target.findings, found),
    )


def figures(seen: Inspection) -> dict[str, Any]:
    """What programs compare: needs, versions asked for, packages, sizes."""
    clean = asdict(seen.hygiene)
    return {
        "glibc": seen.glibc,
        "musl": seen.musl,
        "go": seen.go,
        "needs": asdict(seen.needs),
        "hygiene": clean | {"clamped": seen.hygiene.clamped},
        "layers": [layer.digest for layer in seen.image.layers],
        "elf": {
            path: asdict(file.facts) | {"layer": file.layer}
            for path, file in sorted(seen.elves.files.items())
        },
    }
