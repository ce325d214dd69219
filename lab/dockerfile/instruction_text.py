"""An instruction as a reader wants it: on one line, without what hides what it does. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

# What lab.dockerfile.layouts.parts puts around a command whose seconds it marks.
_TIMED = re.compile(
    r"read begin rest < /proc/uptime && (?P<command>.*) && read end rest < /proc/uptime && "
    r"spent=.* && printf '::lab-mark (?P<mark>\S+) .*$",
    re.DOTALL,
)


@lru_cache(maxsize=1 << 13)  # the builds of a run say the same again and again
def untimed(text: str) -> str:
    """An instruction without what the lab put round it to time it."""
    return _TIMED.sub(r"\g<command>", text)


def short(text: str, length: int) -> str:
    """An instruction on one line of so many characters at most, cut with an ellipsis.

    Mounts are left out: of real RUNs three often stand before what the RUN does.
    """
    flat = untimed(re.sub(r" --mount=\S+", "", " ".join(text.split())))
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
