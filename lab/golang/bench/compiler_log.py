"""What the compiler says with -gcflags=-m=2: what it inlines and what escapes, by kind, with costs.

The costs are the compiler's own units of size (cmd/compile/internal/inline, budget 80).
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"^\S+?:\d+:\d+: (?P<said>\S.*)$")
_COST = re.compile(r"\bcost (\d+)\b")
_REASON = re.compile(r"^cannot inline .+?: (?P<reason>[^:0-9]+)")
# The first that a line has decides. Explanations of what another line says count nowhere.
_KINDS: Mapping[str, re.Pattern[str]] = {
    "can be inlined": re.compile(r"^can inline "),
    "calls inlined": re.compile(r"^inlining call to "),
    "": re.compile(r"^parameter .* leaks to "),
    "parameters leak": re.compile(r"^leaking param"),
    "moved to the heap": re.compile(r"^moved to heap: "),
    "escapes to the heap": re.compile(r" escapes to heap:?$"),
    "does not escape": re.compile(r" does not escape$"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How often the compiler said something of a kind, and the costs that it named with it."""

    count: int
    costs: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.costs:
            return str(self.count)
        middle = statistics.median(self.costs)
        ends = f"{min(self.costs)} to {max(self.costs)}"
        return f"{self.count}, cost {middle:g} at the median ({ends}), {sum(self.costs)} together"


def by_kind(lines: Iterable[str]) -> Mapping[str, Said]:
    """The log in short, the most frequent kind first; what is said twice of a place counts once."""
    costs: dict[str, list[int]] = defaultdict(list)
    seen: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        match = _LINE.match(line.rstrip())
        if match is None:  # a package's name, or an indented step of an explanation
            continue
        kind, whole = _kind(match["said"]), line.rstrip().removesuffix(":")
        if not kind or whole in seen[kind]:
            continue
        seen[kind].add(whole)
        if cost := _COST.search(match["said"]):
            costs[kind].append(int(cost[1]))
    found = {kind: Said(count=len(one), costs=tuple(costs[kind])) for kind, one in seen.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].count, item[0])))


def _kind(said: str) -> str:
    if reason := _REASON.match(said):
        return f"not inlined: {reason['reason'].strip()}"
    return next((kind for kind, found in _KINDS.items() if found.search(said)), "other")
