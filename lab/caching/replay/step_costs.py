"""What each step costs, from the records of a run: the median of the times that it really ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from lab.caching.measured.step_times import samples
from lab.model.errors import InputError
from lab.model.record import Build


def step_costs(
    builds: Iterable[Build], engine: str, given: Sequence[str], instructions: Iterable[str]
) -> dict[str, float]:
    """Seconds by instruction: as builds of this engine measured, but for what a user states."""
    return measured(builds, engine) | stated(given, instructions)


def measured(builds: Iterable[Build], engine: str) -> dict[str, float]:
    """Seconds by the instruction's text, of this engine's builds."""
    return {text: median(found) for text, found in samples(builds, engine).items()}


def stated(given: Sequence[str], texts: Iterable[str]) -> dict[str, float]:
    """Costs that a user states with --price: START=SECONDS, for every instruction that starts so.

    Raises InputError where one says nothing that can be used.
    """
    found = {}
    known = list(texts)
    for one in given:
        start, equals, amount = one.rpartition("=")
        try:
            cost = float(amount)
        except ValueError:
            cost = -1.0
        if not equals or cost < 0:
            raise InputError(
                f"--price {one}: no number of seconds after the last '='",
                remedy="write the instruction's beginning and seconds: --price 'RUN go build=41.5'",
            )
        start = " ".join(start.split())
        named = [text for text in known if text.startswith(start)]
        if not named:
            raise InputError(
                f"--price {one}: no instruction begins with {start!r}",
                remedy=f"they begin: {'; '.join(text[:40] for text in known[:8])}",
            )
        found.update(dict.fromkeys(named, cost))
    return found
