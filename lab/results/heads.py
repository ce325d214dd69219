"""What the heads of many runs say, without their builds: from the index, where they are many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.model.errors import InputError
from lab.model.origin import Origin
from lab.model.record import Run
from lab.results import index
from lab.results.index import BUILDS_FILE, RUN_FILE, Row, Sign

_REMEDY = "repair it, or move {} out of the way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What tells runs apart. ``started`` sorts as text; empty where a head cannot be read: then
    ``unreadable`` says why.

    ``built`` says whether it has builds, ``finished`` whether it came to its end with some that
    went well, ``made_by`` which command made it for an answer of its own. ``builds`` are counted
    when a run ends.
    """

    folder: Path
    id: str = ""
    started: str = ""
    status: str = ""
    built: bool = False
    scenario: str = ""
    name: str | None = None
    origin: Origin = field(default_factory=Origin)
    engines: tuple[str, ...] = ()
    builds: int | None = None
    broken: int = 0
    made_by: str | None = None
    unreadable: str = ""

    @property
    def finished(self) -> bool:
        """Whether it can be a baseline: it ended, with builds that went well."""
        return self.built and self.status == "complete" and self.made_by is None

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits that the run is of."""
        return tuple(one for one in (self.origin.commit, self.origin.head) if one)

    def since(self, when: datetime | None) -> bool:
        """Whether it began at that time or later; None: any time."""
        if when is None:
            return True
        try:
            return datetime.fromisoformat(self.started) >= when
        except (ValueError, TypeError):  # no time of day, or one without its zone
            return False

    @property
    def said(self) -> str:
        """The run in an error's list of candidates."""
        words = [self.name, self.origin.branch, self.origin.short]
        more = ", ".join(word for word in words if word)
        return f"{self.folder.name} ({more})" if more else self.folder.name


def heads(
    results: Path,
    known: index.Known | None = None,
    *,
    at: Mapping[str, Sign] | None = None,
    some: bool = False,
) -> list[Head]:
    """The runs of a folder, oldest first. The arguments are those of `lab.results.index.rows`."""
    found = index.rows(results, HEADS, known, at=at, some=some)
    return ordered(_of_row(results / name, row) for name, row in found.items())


def moment(text: str) -> datetime:
    """A time such as 2026-01-01 or 2026-01-01T12:00 (UTC), or so long ago: 7d, 12h, 2w.

    Raises ValueError on what is none.
    """
    if found := re.fullmatch(r"(\d{1,5})([hdw])", text):
        hours = int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2]]
        with suppress(OverflowError):
            return datetime.now(UTC) - timedelta(hours=hours)
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    raise ValueError(f"{text!r}: expected a time such as 7d, 12h or 2026-01-01")


def head(folder: Path) -> Head:
    """What tells this run from others."""
    try:
        return _of_row(folder, _row(folder))
    except InputError as error:
        return _of_row(folder, error)


def ordered(found: Iterable[Head]) -> list[Head]:
    """By when they started: a run's folder can have been given another name."""
    return sorted(found, key=lambda one: (one.started, one.folder.name))


def _of_row(folder: Path, row: Row | InputError) -> Head:
    if isinstance(row, InputError):
        return Head(folder=folder, unreadable=row.message)
    values = row | {"origin": Origin.from_json(row["origin"]), "engines": tuple(row["engines"])}
    return Head(folder=folder, **values)


def _row(folder: Path) -> Row:
    """Raises InputError where the head cannot be read."""
    path, lines = folder / RUN_FILE, folder / BUILDS_FILE
    try:
        run = Run.from_json(json.loads(path.read_bytes()))
        built = lines.exists() and lines.stat().st_size > 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{type(error).__name__}: {error}", remedy=_REMEDY.format(folder)
        ) from error
    return {
        "id": run.id,
        "started": run.started,
        "status": run.status,
        "built": built,
        "scenario": run.scenario.name,
        "name": run.name,
        "origin": run.origin.to_json(),
        "engines": [engine.name for engine in run.engines],
        "builds": run.builds,
        "broken": len(run.broken),
        "made_by": run.options.made_by,
    }


HEADS = index.Kind(name="head", version=1, make=_row)
