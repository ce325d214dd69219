"""Numbers and foreign text as a report shows them: never without spread and count, never raw."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from lab.model import units
from lab.model.units import MISSING

if TYPE_CHECKING:
    from lab.results.stats import Summary  # it brings numpy with it

# CSI, OSC and other escape sequences (ECMA-48), then whatever control characters are left.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[@-~]"
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Spreadsheets take a text that begins so for a formula, some with blanks before it too.
_FORMULA = re.compile(r"\s*[=+\-@]|[\t\r]")
TIMES, DASH = "\u00d7", "\u2013"


def clean(text: str) -> str:
    """Text of a scenario or a log without what a terminal or an editor would obey.

    Escape sequences, control and direction characters go; line ends and tabs stay.
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def flat(text: str) -> str:
    """Clean text whose line ends are shown, so that no name of a file forges a line."""
    return clean(text).replace("\n", "\\n")


def unrun(text: str | None) -> str:
    """Clean text that a spreadsheet shows and does not run as a formula."""
    said = clean(text or "")
    return f"'{said}" if _FORMULA.match(said) else said


@lru_cache(maxsize=1 << 13)  # the builds of a run say the same again and again
def one_line(text: str, width: int = 120) -> str:
    """Clean text on one line, cut with an ellipsis."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def spread(found: Summary | None, unit: Callable[[float], str]) -> str:
    """A median with its range and count: ``1.38 s (1.31 - 1.52 s, n=3)``; one sample has no range,
    and samples that read alike are said to be equal."""
    if found is None:
        return MISSING
    median = unit(found.median)
    if found.spread is None:
        return f"{median} (n=1)"
    low, high = unit(found.low), unit(found.high)
    if low == high:
        return f"{median} (n={found.count}, equal)"
    number, _, name = low.partition(" ")
    if name and high.split(" ", 1)[1:] == [name] and " " not in name:
        low = number  # a unit that both ends share is said once
    to = " to " if "-" in low + high else DASH  # a dash beside a minus reads as another minus
    return f"{median} ({low}{to}{high}, n={found.count})"


def percent(value: float) -> str:
    """A share as per cent; no share is minus zero."""
    return units.percent(round(value, 2) + 0.0)


def outcomes(counts: Mapping[str, int]) -> str:
    """How often a step had which outcome: ``hit 2/3, miss 1/3``."""
    total = sum(counts.values())
    parts = [f"{name} {count}/{total}" for name, count in sorted(counts.items())]
    return ", ".join(parts) or MISSING
