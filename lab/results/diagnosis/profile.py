"""What good builds print in a step: the templates of all of them, and how they vary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from lab.results.diagnosis.output import Seen, StepOutput

_LONGEST_MINED = 60  # words; longer lines are compared whole
WILD = "\0"


@dataclass(slots=True)
class Profile:
    """One step in good builds. ``durations`` are theirs, in seconds.

    A template whose one word differs from build to build (a generated name) is taken as a template
    with any word there, as Drain does: ``_wild`` holds those.
    """

    outputs: Sequence[StepOutput]
    durations: Sequence[float]
    _wild: set[tuple[str, ...]] = field(default_factory=set)
    _counts: dict[str, list[Seen]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for output in self.outputs:
            for name, seen in output.seen.items():
                self._counts.setdefault(name, []).append(seen)
        self._mine()

    def knows(self, name: str) -> bool:
        """Whether good builds print such a line."""
        if name in self._counts:
            return True
        return any(key in self._wild for key in _wildcards(name))

    def always(self) -> Iterator[tuple[str, Seen]]:
        """The templates that every good build printed, with one such line."""
        for name, seen in self._counts.items():
            if len(seen) == len(self.outputs):
                yield name, seen[0]

    def most(self, name: str) -> int:
        """The most lines of this template that one good build had."""
        return max((seen.count for seen in self._counts.get(name, ())), default=0)

    def texts(self, name: str) -> dict[str, int]:
        """Lines of good builds with a version in them, of this template."""
        return {text: at for seen in self._counts.get(name, ()) for text, at in seen.texts.items()}

    def waits(self, name: str) -> float:
        """How long good builds wait after such lines, in seconds: the median."""
        gaps = [seen.gap_s for seen in self._counts.get(name, ())]
        return median(gaps) if gaps else 0.0

    def _mine(self) -> None:
        found: dict[tuple[str, ...], set[str]] = {}
        for name, seen in self._counts.items():
            if len(seen) < len(self.outputs):
                for key in _wildcards(name):
                    found.setdefault(key, set()).add(name)
        self._wild = {key for key, names in found.items() if self._exclusive(names)}

    def _exclusive(self, names: set[str]) -> bool:
        """Whether these templates take each other's place: no good build has two of them."""
        if len(names) < 2:
            return False
        return sum(len(self._counts[name]) for name in names) <= len(self.outputs)


def _wildcards(name: str) -> Iterator[tuple[str, ...]]:
    """The template with each of its words in turn left open; not the only one, and not a mark."""
    words = tuple(name.split())
    if 2 <= len(words) <= _LONGEST_MINED:
        for at in range(len(words)):
            yield (*words[:at], WILD, *words[at + 1 :])


def slow(duration: float, good: Sequence[float]) -> float | None:
    """By how many seconds a duration is beyond what good builds took; None where it is not.

    It is longer than all of them, by 15 % and half a second, and by five times the spread that
    most of them keep to. Of fewer than three, the spread is unknown: it takes twice as long.
    """
    if not good:
        return None
    middle, longest = median(good), max(good)
    excess = duration - middle
    if duration < 1.15 * longest or excess < 0.5:
        return None
    if len(good) < 3:
        return excess if duration > 2 * longest and excess > 1 else None
    spread = 1.4826 * median(abs(one - middle) for one in good)
    return excess if excess > max(5 * spread, 0.15 * middle) else None
