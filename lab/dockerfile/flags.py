"""The options before an instruction's operands."""

from __future__ import annotations

import re

_FLAG = re.compile(r"^--([a-z][a-z-]*)(?:=(\S*))?\s*")


def flags_of(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """An instruction's leading ``--name=value`` options, and what follows them."""
    flags = []
    while match := _FLAG.match(rest):
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :]
    return tuple(flags), rest
