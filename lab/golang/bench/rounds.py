"""Rounds one after another, each with how long the rest may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from lab.model import units


def rounds(
    count: int, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Iterator[int]:
    """The numbers from 0; before each round says which it is, and from the second on the time left,
    as the rounds so far took it.
    """
    begun = clock()
    for number in range(count):
        spent = clock() - begun
        left = f", about {units.seconds(spent / number * (count - number))} left" if number else ""
        say(f"round {number + 1} of {count}{left}")
        yield number
