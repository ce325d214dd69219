"""Colours of the terminal that are read on a light ground as on a dark one.

The names that terminals have for their first sixteen colours mean others in each of them: yellow
and cyan cannot be read on white. These are of the 256 that are the same everywhere, and as light
as they may be: https://en.wikipedia.org/wiki/ANSI_escape_code#8-bit
"""

from __future__ import annotations

GOOD = "color(28)"
DOUBT = "color(130)"
BAD = "color(161)"
BUSY = "color(31)"
MARKED = "color(133)"
