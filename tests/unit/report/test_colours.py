"""Terminals are light or dark: what is coloured can be read on both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.report import colours

REPORT = Path(colours.__file__).parent
USED = {name: value for name, value in vars(colours).items() if name.isupper()}


def light(number: int) -> float:
    """The relative luminance of one of the 6 x 6 x 6 colours.

    Sources: xterm's 256colres.pl (0, then 55 + 40 n); WCAG 2.1, "relative luminance".
    """
    assert 16 <= number <= 231
    parts = [(number - 16) // step % 6 for step in (36, 6, 1)]
    shares = [(55 + 40 * part if part else 0) / 255 for part in parts]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", USED)
def test_a_colour_stands_out_from_white_and_from_black(name: str) -> None:
    """4.58 is the most that can be had from both at once."""
    found = re.fullmatch(r"color\((\d+)\)", USED[name])
    assert found is not None
    own = light(int(found[1]))
    assert min(1.05 / (own + 0.05), (own + 0.05) / 0.05) > 4


def test_no_report_names_a_colour_that_each_terminal_has_otherwise() -> None:
    named = re.compile(r'"(?:bright_)?(?:green|yellow|red|cyan|magenta|blue|white|black)"')
    assert not [path.name for path in REPORT.glob("*.py") if named.search(path.read_text())]
