"""Mistakes at a place of a file's data, and ways to read data that may have no shape yet."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.scenario.yaml_source import Document, Location, Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake at a location of the data; ``known`` are the names that could have been meant."""

    location: Location
    found: str
    expected: str
    known: tuple[str, ...] = ()
    typed: str = ""
    at_key: bool = False


def placed(document: Document, finding: Finding) -> Mistake:
    """A finding with its place in the file, and the nearest name that is known."""
    line, column = document.place(finding.location, key=finding.at_key)
    close = difflib.get_close_matches(finding.typed, finding.known, n=1) if finding.typed else []
    return Mistake(
        line=line,
        column=column,
        found=finding.found,
        expected=finding.expected,
        nearest=repr(close[0]) if close else None,
    )


def shown(value: object) -> str:
    """A value of a file as a message names it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"


def items(data: Mapping[str, Any], field: str) -> list[Any]:
    """The list at a key; empty where there is none."""
    value = data.get(field)
    return value if isinstance(value, list) else []


def mapping(data: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The mapping at a key; empty where there is none."""
    value = data.get(field)
    return value if isinstance(value, dict) else {}


def texts(values: Iterable[object]) -> tuple[str, ...]:
    """Those of the values that are text."""
    return tuple(value for value in values if isinstance(value, str))


def repeated(location: Location, entries: list[tuple[int, Any]]) -> Iterator[Finding]:
    """The names that stand twice among entries with their places."""
    seen: set[str] = set()
    for index, item in entries:
        if isinstance(item, str):
            if item in seen:
                yield Finding(
                    location=(*location, index), found=f"{item!r} again", expected="each name once"
                )
            seen.add(item)
