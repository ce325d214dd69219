"""Whether two bootstraps of an image's suite are the same, bit by bit: asked where one wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lab.images.opened import Opened
from lab.images.sources.reproducibility import Comparison, compare
from lab.model.finding import Finding
from lab.validate.matrix import Validation
from lab.validate.policy import Judge

_SHOWN = 20  # files named as findings; the count says how many there are


def check_bootstraps(
    found: Sequence[Validation],
    images: Mapping[str, Opened],
    judge: Judge | None,
    *,
    say: Callable[[str], None],
) -> list[Validation]:
    """The same validations with what a second bootstrap showed; each suite is made once more."""
    compared: dict[str, Comparison] = {}
    done = []
    for one in found:
        image = images.get(one.image)
        suite = None if image is None else image.suite
        if image is None or suite is None:
            done.append(_added(one, None, judge))
            continue
        if suite not in compared:
            compared[suite] = compare(suite, image.layers[0], say=say)
        done.append(_added(one, compared[suite], judge))
    return done


def _added(one: Validation, seen: Comparison | None, judge: Judge | None) -> Validation:
    fact = ("two bootstraps", _words(seen))
    broken = () if judge is None else judge.of_bootstraps(None if seen is None else seen.identical)
    return replace(
        one,
        facts=(*one.facts, fact),
        findings=(*one.findings, *(() if seen is None else _findings(seen))),
        broken=(*one.broken, *broken),
        figures={**one.figures, "bootstraps": None if seen is None else _figures(seen)},
    )


def _words(seen: Comparison | None) -> str:
    if seen is None:
        return "not a suite: the lab did not make it"
    moved = "; the archive has moved on since the cached one was made" if seen.moved else ""
    if seen.identical:
        return f"bit-identical, sha256:{seen.digests[0][:16]}{moved}"
    some = ", ".join(f"{one.path} ({', '.join(one.what)})" for one in seen.differences[:3])
    return f"{len(seen.differences)} members differ: {some}{moved}"


def _findings(seen: Comparison) -> Iterator[Finding]:
    for one in seen.differences[:_SHOWN]:
        yield Finding(
            rule="bootstrap-differs",
            level="warning",
            place=one.path,
            message=f"another {', '.join(one.what)} in a second bootstrap of the same suite",
            remedy="leave it out by --dpkgopt=path-exclude, or make it in a later layer",
        )


def _figures(seen: Comparison) -> dict[str, object]:
    return {
        "identical": seen.identical,
        "digests": list(seen.digests),
        "archive_moved": seen.moved,
        "differences": {one.path: list(one.what) for one in seen.differences},
    }
