"""One target -> one Validation."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

from lab.images.finding import Finding
from lab.validate import inspect, verdicts
from lab.validate.inspect import Inspection
from lab.validate.matrix import Column, Validation, Verdict
from lab.validate.policy import Judge
from lab.validate.targets import Target

HOST = "host"


def validate(target: Target, *, judge: Judge | None = None) -> Validation:
    """Look at a target and judge it on every column."""
    column = Column(HOST)
    if target.image is None:
        return unreadable(target, (column,))
    seen = inspect.inspect(target.image)
    found = (verdicts.verdict(seen, column, version=platform.release()),)
    versions: dict[str, str | None] = {HOST: platform.release()}
    return Validation(
        image=target.name,
        origin=target.image.origin,
        verdicts=found,
        facts=inspect.facts(seen),
        findings=(*target.findings, *seen.findings),
        broken=() if judge is None else judge.broken(seen, found, versions),
        labels=seen.needs.labels(),
        figures=figures(seen),
        notes=("host: judged by what the files of the image say; nothing of it was run",),
    )


def unreadable(target: Target, columns: tuple[Column, ...]) -> Validation:
    """An image that could not be opened: it runs nowhere."""
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
        "go": seen.go,
        "needs": asdict(seen.needs),
        "hygiene": clean | {"clamped": seen.hygiene.clamped},
        "layers": [layer.digest for layer in seen.image.layers],
        "elf": {
            path: asdict(file.facts) | {"layer": file.layer}
            for path, file in sorted(seen.elves.files.items())
        },
    }
