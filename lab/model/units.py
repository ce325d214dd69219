"""Human units, for the moment when a number is shown."""

from __future__ import annotations

import re

MISSING = "\u2013"
SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def seconds(value: float | None) -> str:
    """Seconds with three significant digits and a unit: ``4.2 ms``, ``1.38 s``, ``2 min 5 s``."""
    if value is None:
        return MISSING
    if value < 0:
        return "-" + seconds(-value)
    if value < 0.9995:
        return f"{value * 1000:.3g} ms"
    if value < 99.95:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def size(value: int | None) -> str:
    """Bytes with three significant digits in decimal units: ``812 B``, ``34.1 MB``."""
    if value is None:
        return MISSING
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(amount) < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def percent(value: float | None) -> str:
    """A share of one as per cent without decimals."""
    return MISSING if value is None else f"{value * 100:.0f} %"


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 cell``, ``2,000 cells``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def bytes_of(text: str) -> int | None:
    """The bytes of a size such as ``512MiB`` or ``1.5 GB``; None of anything else."""
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,3})?) ?(\w+)", text, re.ASCII)
    if match is None or match[2] not in SIZES:
        return None
    return int(float(match[1]) * SIZES[match[2]])
