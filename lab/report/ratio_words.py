"""A ratio as a person would say it: the one place that every report takes the words from.

A time of 5.6 times the baseline's is "5.6 times slower", one of 0.18 times "5.6 times faster".
Short of twice, per cent of the time are clearer: "takes 35 % longer", "takes 18 % less time".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.model import units
from lab.results.stats import Comparison, Verdict

TWICE = 1.95  # a factor from here on is said as one: "2.0 times"
BOUNDLESS = 1e6  # a factor beyond it is no measurement, but a baseline of next to nothing


@dataclass(frozen=True, slots=True)
class Words:
    """What more and less of a figure are called: by times, and by per cent."""

    times_more: str
    times_less: str
    more: str
    less: str


TIME = Words("slower", "faster", "longer", "less time")
AMOUNT = Words("more", "less", "more", "less")
TAKES, ALIKE = "takes ", "takes as long"
BY_UNIT: Mapping[str, Words] = {"seconds": TIME}
"""Words by the unit of a metric; AMOUNT where it has none of its own."""


def change(ratio: float, words: Words = TIME) -> str:
    """``5.6 times slower``, ``takes 35 % longer``; of an amount ``2.1 times more``."""
    if _said_by_times(ratio):
        return f"{_times(ratio)} times {words.times_more if ratio > 1 else words.times_less}"
    said = _percent(abs(ratio - 1))
    if float(said) == 0:
        return ALIKE if words is TIME else "the same"
    verb = TAKES if words is TIME else ""
    return f"{verb}{said} % {words.more if ratio > 1 else words.less}"


def interval(found: Comparison) -> str:
    """The interval in the terms of `change`: ``95 %: 5.1 to 6.0``; empty where there is none."""
    if found.interval is None:
        return ""
    return f"{found.confidence * 100:g} %: {span(found.ratio, found.interval)}"


def span(ratio: float, ends: tuple[float, float]) -> str:
    """The ends of an interval in the terms in which `change` says the ratio that it holds.

    One with no change inside has the sign of each end: ``-3.0 to +12 %`` is from 3 % less to 12 %
    more, whichever way the ratio leads.
    """
    if ends[0] < 1 < ends[1]:
        return f"{_apart(ends[0] - 1, ends[1] - 1, _signed)} %"
    if _said_by_times(ratio):
        low, high = ends if ratio > 1 else (1 / ends[1], 1 / ends[0])
        return _apart(low, high, _number)
    low, high = sorted(abs(end - 1) for end in ends)
    return f"{_apart(low, high, _percent)} %"


def at_most(found: Comparison) -> str:
    """How much more than its baseline it can be: ``at most 7.4 % longer``; empty: not known."""
    if found.interval is None or not found.interval[0] < 1 < found.interval[1]:
        return ""
    return f"at most {change(found.interval[1]).removeprefix(TAKES)}"


def plain(ratio: float, ends: tuple[float, float] | None) -> str:
    """A ratio as a figure, for a table of any: ``0.760 (0.757 to 0.763)``."""
    held = "" if ends is None else f" ({_apart(*ends, _figure)})"
    return f"{_figure(ratio)}{held}"


def _figure(ratio: float, more: int = 0) -> str:
    """With three decimals, of large ones with fewer."""
    decimals = 3 if ratio < 9.9995 else 1 if ratio < 99.95 else 0
    return f"{ratio:,.{decimals + more}f}"


def signed(ratio: float) -> str:
    """A change for a table of many: ``+12.1 %``, ``-3.0 %``."""
    return f"{(ratio - 1) * 100:+z.1f} %"


def verdict(found: Comparison) -> str:
    """``5.6 times slower``, ``same within 5 %``, ``undecided``: what may be said."""
    if found.verdict is Verdict.SAME:
        return f"same within {found.margin * 100:g} %"
    return "undecided" if found.verdict is Verdict.UNDECIDED else change(found.ratio)


def cell(found: Comparison | None) -> str:
    """A comparison as a table's cell: ``5.6 times slower (95 %: 5.1 to 6.0, n=9)``.

    Of an undecided one the brackets say what was measured so far.
    """
    if found is None:
        return units.MISSING
    parts = [interval(found) or "no interval", f"n={found.count}"]
    if found.verdict is Verdict.UNDECIDED:
        parts.insert(0, f"so far {change(found.ratio).removeprefix(TAKES)}")
    return f"{verdict(found)} ({', '.join(parts)})"


def sentence(found: Comparison, one: str, other: str, where: str) -> str:
    """``podman is 5.6 times slower than docker in cold builds (95 %: 5.1 to 6.0)``.

    ``where`` is as `phase` says it.
    """
    held = interval(found)
    sure = f" ({held})" if held else ""
    if found.verdict is Verdict.SAME:
        within = f"within {found.margin * 100:g} %"
        return f"{one} is as fast as {other} {where}, {within}{sure}"
    if found.verdict is Verdict.UNDECIDED:
        bound = at_most(found)
        so_far = f"{one} {was(found.ratio)} {other} {where} so far"
        return f"Undecided: {so_far}{bound and f'; {bound}'}{sure}, after {rounds(found)}"
    said = change(found.ratio)
    verb = "" if said.startswith(TAKES) else "is "
    return f"{one} {verb}{said} than {other} {where}{sure}"


def was(ratio: float) -> str:
    """The same of what was measured and may be chance: ``was 5.6 times slower than``."""
    said = change(ratio)
    if said == ALIKE:
        return "took as long as"
    return f"took {said.removeprefix(TAKES)} than" if said.startswith(TAKES) else f"was {said} than"


def rounds(found: Comparison) -> str:
    """How many rounds there were, and how many more would decide."""
    done = units.counted(found.count, "round")
    if found.needed_rounds is None:
        return done
    return f"{done}; about {found.needed_rounds:,} more would tell"


def phase(name: str) -> str:
    """Where something holds: ``in cold builds``, ``in rebuilds``, ``after the source edit``."""
    kind, _, edit = name.partition(":")
    if kind == "edit" and edit:
        return f"after the {edit} edit"
    return {"cold": "in cold builds", "rebuild": "in rebuilds"}.get(name, f"in {name} builds")


def _said_by_times(ratio: float) -> bool:
    return max(ratio, 1 / ratio) >= TWICE


def _apart(low: float, high: float, said: Callable[[float, int], str]) -> str:
    """Both ends, with as many digits as tell them apart; of a point all of three more."""
    for more in range(4):
        ends = said(low, more), said(high, more)
        if ends[0] != ends[1]:
            return " to ".join(ends)
    return ends[0]


def _times(ratio: float) -> str:
    return _number(max(ratio, 1 / ratio))


def _number(factor: float, more: int = 0) -> str:
    """A factor to two or three digits, and ``more``."""
    if factor > BOUNDLESS:
        return "more than a million"
    decimals = 0 if factor >= 99.5 else 1
    return f"{factor:,.{decimals + more}f}"


def _percent(share: float, more: int = 0) -> str:
    """Per cent without a sign: with one decimal below ten, and ``more``."""
    value = share * 100
    return f"{value:.{(value < 9.95) + more}f}"


def _signed(share: float, more: int = 0) -> str:
    said = _percent(abs(share), more)
    return said if float(said) == 0 else f"{'-' if share < 0 else '+'}{said}"
