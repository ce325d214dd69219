"""What the comparisons of a pivot allow to be said: the same tests as of every other table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lab.model import units
from lab.model.record import Run
from lab.results import comparison_verdicts, footnotes
from lab.results.comparison_verdicts import Asked
from lab.results.pivot.figures import Figures, Key
from lab.results.stats import (
    Comparison,
    Verdict,
    compare_logarithms,
    compare_paired,
    corrected,
    logarithms,
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Every cell that has a comparison, corrected for their number, and how they were found."""

    comparisons: Mapping[Key, Comparison]
    notes: tuple[str, ...] = ()


def asked_of(runs: Sequence[Run]) -> Asked:
    """What the runs themselves ask: rounds that ended early take a sequential test."""
    asked = [comparison_verdicts.asked_of(run.options, run.seed) for run in runs]
    return next((one for one in asked if one.looks is not None), asked[0])


def verdicts(found: Figures, baseline: str, asked: Asked) -> Verdicts:
    """Compare each cell with the baseline of its row: by pairs, or where it shares none, at all."""
    bases = {place.key[:2]: place for place in found.places if place.key[2] == baseline}
    others = [
        place for place in found.places if place.key[2] != baseline and place.key[:2] in bases
    ]
    asked = replace(asked, questions=max(len(others), 1))
    made = {key: _paired(pairs, asked) for key, pairs in found.pairs(baseline)}
    by_pairs = frozenset(made)
    logs = cache(lambda place: logarithms(found.values(place)))
    made |= {
        place.key: compare_logarithms(logs(place), logs(bases[place.key[:2]]), margin=asked.margin)
        for place in others
        if place.key not in by_pairs
    }
    kept = {key: one for key, one in made.items() if one is not None}
    judged = dict(zip(kept, corrected(list(kept.values())), strict=True))
    return Verdicts(judged, tuple(_notes(judged, by_pairs, asked)))


def _paired(pairs: Sequence[tuple[float, float]], asked: Asked) -> Comparison | None:
    looks = asked.looks
    if looks is not None and len(pairs) > looks.last:
        looks = None  # figures of several cells together are not what the rounds' analyses were of
    return compare_paired(
        pairs, margin=asked.margin, seed=asked.seed, looks=looks, questions=asked.questions
    )


def _notes(found: Mapping[Key, Comparison], paired: frozenset[Key], asked: Asked) -> Iterator[str]:
    by_pairs = sum(key in paired for key in found)
    if by_pairs:
        yield f"verdicts by pairs of the same round (signed-rank test): {by_pairs}"
    if len(found) > by_pairs:
        yield (
            "verdicts by two samples, because no round was built for both in turn "
            f"(Mann and Whitney's test): {len(found) - by_pairs}"
        )
    if found:
        yield (
            f"same: within {asked.margin * 100:g} %; corrected by Holm for {len(found)} "
            f"comparisons, each at {next(iter(found.values())).confidence * 100:g} %"
        )
    if said := footnotes.alone(list(found.values())):
        yield said
    few = sum(one.interval is None for one in found.values())
    if few:
        yield f"too few figures for an interval: {few} of {len(found)} comparisons"
    needed = [one.needed_rounds for one in found.values() if one.needed_rounds]
    if needed:
        undecided = sum(one.verdict is Verdict.UNDECIDED for one in found.values())
        more = units.counted(max(needed), "more round")
        yield f"undecided: {undecided}; about {more} would decide"
