"""What differs between two images, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "lab.upgrade/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing: ``before`` is None where it is new, ``after`` where it is lost."""

    name: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One kind of change: what it comes to on a line, all of it, and a remark on how it was got."""

    name: str
    headline: str
    changes: tuple[Change, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What the step from one image to another changes."""

    before: str
    after: str
    sections: tuple[Section, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"schema": SCHEMA, **asdict(self)}


def named(name: str, was: Mapping[str, str], now: Mapping[str, str], differs: str) -> Section:
    """A section of things by name."""
    found = changes(was, now)
    lost = sum(one.after is None for one in found)
    fresh = sum(one.before is None for one in found)
    other = len(found) - lost - fresh
    words = [f"{lost} lost", f"{fresh} new"]
    words += [f"{other} of {differs}"] if other else []
    return Section(
        name=name,
        headline=", ".join(words) if found else f"the same ({len(was)})",
        changes=found,
    )


def changes(was: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    names = sorted(was.keys() | now.keys())
    return tuple(
        Change(name=name, before=was.get(name), after=now.get(name))
        for name in names
        if was.get(name) != now.get(name)
    )
