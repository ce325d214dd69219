"""A validation's folder: the answer in every form, and what in it ends a command with a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lab import __version__
from lab.host import disk, own_folders, paths
from lab.host import facts as host
from lab.report import matrix, validation_exports
from lab.report.formatting import flat
from lab.results.draft import Draft, new_id
from lab.validate.matrix import Validation

FILES = {
    "json": "validation.json",
    "markdown": "report.md",
    "html": "report.html",
    "junit": "junit.xml",
    "sarif": "results.sarif",
}


def _page(found: Sequence[Validation]) -> str:
    """The page says when and where it was made: kernel and machine decide the answers."""
    here = host.facts(paths.cache_dir())
    made = f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by lab {__version__} on kernel "
    return matrix.html(found, f"{made}{here.kernel or 'unknown'}, {here.cpu_model or 'unknown'}.")


_FORMATS = {
    "json": validation_exports.to_json,
    "markdown": matrix.markdown,
    "html": _page,
    "junit": validation_exports.junit,
    "sarif": validation_exports.sarif,
    "github": validation_exports.github,
    "gitlab": validation_exports.gitlab,
}
_SHOWN = 10  # failures that a message lists; the reports have all of them


@contextmanager
def folder(results: Path) -> Iterator[Draft]:
    """A folder below results/ that can be written, before any work begins. It has its name behind
    this, and is gone where the work failed.
    """
    draft = Draft.begin(results)
    try:
        yield draft
        name = new_id("validate", datetime.now(UTC))
        next(one for one in draft.names(name) if draft.publish(one))
    except BaseException:
        draft.discard()
        raise


def write(found: Sequence[Validation], target: Path) -> None:
    """Every form of the answer."""
    own_folders.mark(target)
    for name, file in FILES.items():
        disk.write(target, file, rendered(found, name))


def rendered(found: Sequence[Validation], name: str) -> str:
    """All validations in one form, a key of _FORMATS."""
    return _FORMATS[name](found)


def failures(found: Sequence[Validation]) -> str:
    """What does not run and which demands are not met, a line each; empty where there is none."""
    lines = [f"{one.image}: {item.message}" for one in found for item in one.broken]
    for one in found:
        lines += [
            f"{one.image} does not run on {verdict.column.words}: {verdict.why[0]}"
            for verdict in one.verdicts
            if verdict.word == "does not run"
        ]
        lines += [
            f"{item.place}:{item.line}: {item.message}"
            for item in one.findings
            if item.rule.startswith("copy-") and item.level == "error"
        ]
    more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "\n  ".join(flat(line) for line in lines[:_SHOWN]) + more
