"""Where the level of a series changes, and whether it only drifts. Pure.

The statistic is Student's t of the means on either side of a place, over all places: it counts how
many runs lie on each side, so that a change near an end is found where it is. It is looked for in
many stretches of the series (seeded binary segmentation: Kovacs, Buehlmann, Li and Munk, Biometrika
110, 2023), so that a change and its undoing do not hide each other. Each place found is then put
where it fits best between its neighbours, and left out again where it says nothing any more.
Values count by their logarithms, where all are above 0; one that stands out from its neighbours
counts for no more than CLIP standard deviations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ERROR = 0.001  # of a series without a change, for all places together (Bonferroni)
FEWEST = 3  # values on each side of a change
ENOUGH = 2 * FEWEST + 2  # values in which a change can be found at all
CLIP = 3.0
NEIGHBOURS = 5
NORMAL = 0.9539  # the median of two normal values' distance: 0.6745 standard deviations * 2 ** 0.5
# A change must fit better than a straight line by this much of Schwarz's criterion (BIC): beyond 6
# the evidence counts as strong (Kass and Raftery, JASA 90, 1995).
BETTER = 6.0
ROUNDING = 1e-12  # what rounding leaves of equal values is no spread
CELLS = 1 << 20  # of a matrix of stretches and places, so that memory stays flat

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """From place ``at`` on the level is another; ``p_value`` allows for all places looked at."""

    at: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Found:
    """The changes of a series, or that it drifts: by ``drift`` from one value to the next.

    ``drift`` is of the logarithm where all values are above 0; None where no line is needed.
    """

    splits: tuple[Split, ...] = ()
    drift: float | None = None

    def sides(self, count: int) -> Iterator[tuple[Split, slice, slice]]:
        """Each change with its places before and after, up to the next one, of ``count`` in all."""
        edges = [0, *(split.at for split in self.splits), count]
        for place, split in enumerate(self.splits):
            yield split, slice(edges[place], split.at), slice(split.at, edges[place + 2])


class _Best(NamedTuple):
    """The most telling place of a stretch: the smaller, the more telling."""

    p_value: float
    minus_t: float
    at: int
    begin: int
    end: int


def change_points(values: Sequence[float], error: float = ERROR) -> Found:
    """Find the changes of level. Takes any number of finite values; few or equal ones show none."""
    given = np.asarray(values, dtype=float)
    if len(given) < ENOUGH or np.ptp(given) == 0:
        return Found()
    series = _clipped(np.log(given) if given.min() > 0 else given - np.median(given))
    stretches = list(_stretches(len(series)))
    sums = _Sums(series, tests=sum(end - begin - 2 * FEWEST + 1 for begin, end in stretches))
    known = list(sums.best(stretches, sums.least(error)))
    splits = _settled(sorted(_search(known, sums, (0, len(series)), error)), sums, error)
    slope, line = _line(series)
    levels = sums.within([0, *(one.at for one in splits), len(series)])
    if splits and _bic(line, 2, len(series)) < _bic(levels, 2 * len(splits) + 1, len(series)) + (
        BETTER
    ):
        return Found(drift=slope)
    return Found(splits=tuple(splits))


class _Sums:
    """Sums of a series up to each place: means and squares of any stretch without reading it."""

    def __init__(self, series: Floats, tests: int) -> None:
        self.count, self._tests = len(series), tests
        centred = series - series.mean()
        self._sum = np.concatenate([[0.0], np.cumsum(centred)])
        self._squares = np.concatenate([[0.0], np.cumsum(centred * centred)])

    def least(self, error: float) -> float:
        """The t below which no place has a p-value of ``error`` or less: by the normal law, whose
        tails are lighter than Student's whatever the number of values.
        """
        return -NormalDist().inv_cdf(error / (2 * self._tests)) - 1e-6  # for rounding

    def best(self, stretches: Sequence[tuple[int, int]], least: float = 0.0) -> Iterator[_Best]:
        """The most telling place of each stretch, where its t is ``least`` or more; those of one
        length are looked at together.
        """
        by_length: dict[int, list[int]] = {}
        for begin, end in stretches:
            by_length.setdefault(end - begin, []).append(begin)
        for length, begins in by_length.items():
            at_once = max(1, CELLS // length)
            for first in range(0, len(begins), at_once):
                yield from self._best(np.array(begins[first : first + at_once]), length, least)

    def _best(self, begins: NDArray[np.int64], length: int, least: float) -> Iterator[_Best]:
        left = np.arange(FEWEST, length - FEWEST + 1)
        total = (self._sum[begins + length] - self._sum[begins])[:, None]
        first = self._sum[begins[:, None] + left] - self._sum[begins][:, None]
        between = (first - total * left / length) ** 2 * length / (left * (length - left))
        squares = (self._squares[begins + length] - self._squares[begins])[:, None]
        whole = np.maximum(squares - total * total / length, np.finfo(float).tiny)
        rest = np.maximum(whole - between, ROUNDING * whole)
        ratio = between / rest
        places = ratio.argmax(axis=1)
        t = np.sqrt(ratio[np.arange(len(begins)), places] * (length - 2))
        rows = np.flatnonzero(t >= least)
        if not len(rows):
            return
        begins, found, t = begins[rows], begins[rows] + left[places[rows]], t[rows]
        for one in zip(self._p_values(t, length), -t, found, begins, begins + length, strict=True):
            yield _Best(*(value.item() for value in one))

    def split(self, begin: int, at: int, end: int) -> Split:
        """A place, and how much its two sides differ."""
        whole = max(self.within([begin, end]), np.finfo(float).tiny)
        rest = max(self.within([begin, at, end]), ROUNDING * whole)
        between = max(whole - rest, 0.0)
        t = np.sqrt(np.array([between / rest * (end - begin - 2)]))
        return Split(at, float(self._p_values(t, end - begin)[0]))

    def _p_values(self, t: Floats, length: int) -> Floats:
        from scipy.special import stdtr  # as scipy.stats.t.sf does; that takes a second to import

        p_values: Floats = np.minimum(1.0, 2 * self._tests * stdtr(length - 2, -t))
        return p_values

    def within(self, edges: Sequence[int]) -> float:
        """The sum of squares about the means between the edges."""
        return sum(self._square(pair) for pair in pairwise(edges))

    def _square(self, pair: tuple[int, int]) -> float:
        begin, end = pair
        total = float(self._sum[end] - self._sum[begin])
        squares = float(self._squares[end] - self._squares[begin])
        return max(squares - total * total / (end - begin), 0.0)


def _clipped(series: Floats) -> Floats:
    """The series without what stands out from its neighbours; the steps of its level stay."""
    spread = float(np.median(np.abs(np.diff(series)))) / NORMAL
    if spread == 0:
        return series
    padded = np.pad(series, NEIGHBOURS // 2, mode="edge")
    level = np.median(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=1)
    clipped: Floats = np.clip(series, level - CLIP * spread, level + CLIP * spread)
    return clipped


def _stretches(count: int) -> Iterator[tuple[int, int]]:
    """Stretches of ever shorter length that overlap by half, the whole series first."""
    yield 0, count
    length = count / math.sqrt(2)
    while length >= ENOUGH:
        size = math.ceil(length)
        begins = set(range(0, count - size + 1, max(1, int(length / 2)))) | {count - size}
        for begin in sorted(begins):
            yield begin, begin + size
        length /= math.sqrt(2)


def _search(
    known: Sequence[_Best], sums: _Sums, stretch: tuple[int, int], error: float
) -> Iterator[int]:
    """The places of changes in a stretch: the clearest, then those on its either side."""
    begin, end = stretch
    if end - begin < ENOUGH:
        return
    inside = [one for one in known if begin <= one.begin and one.end <= end]
    clearest = min([*inside, *sums.best([stretch], sums.least(error))], default=None)
    if clearest is None or clearest.p_value > error:
        return
    yield clearest.at
    yield from _search(inside, sums, (begin, clearest.at), error)
    yield from _search(inside, sums, (clearest.at, end), error)


def _settled(places: Sequence[int], sums: _Sums, error: float) -> list[Split]:
    """The places put where they fit best between their neighbours, without those that say nothing.

    A place that is dropped never comes back, so that this comes to an end.
    """
    found, rounds = list(places), 0
    while True:
        before, rounds = list(found), rounds + 1
        for index in range(len(found)):
            (best,) = sums.best([_around(found, index, sums.count)])
            found[index] = best.at
        splits = [sums.split(*_between(found, index, sums.count)) for index in range(len(found))]
        weakest = max(splits, key=lambda split: split.p_value, default=None)
        if weakest is not None and weakest.p_value > error:
            found.remove(weakest.at)
        elif found == before or rounds > 2 * len(places):  # two places may swap for ever
            return splits


def _between(places: Sequence[int], index: int, count: int) -> tuple[int, int, int]:
    begin, end = _around(places, index, count)
    return begin, places[index], end


def _around(places: Sequence[int], index: int, count: int) -> tuple[int, int]:
    begin = places[index - 1] if index else 0
    return begin, places[index + 1] if index + 1 < len(places) else count


def _line(series: Floats) -> tuple[float, float]:
    """The slope of the straight line that fits best, and the sum of squares about it."""
    places = np.arange(len(series), dtype=float)
    slope, height = np.polyfit(places, series, 1)
    return float(slope), float(((series - slope * places - height) ** 2).sum())


def _bic(squares: float, parameters: int, count: int) -> float:
    return count * math.log(max(squares, 1e-300) / count) + parameters * math.log(count)
