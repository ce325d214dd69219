"""How right `lab history` is about changes: python benchmarks/change_points.py, a minute or two.

Series with a known change, without one, with a drift and with outliers; noise of 4 % (normal, and
Student's law with three degrees of freedom). Prints the tables of change_points.md.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from lab.results.stats.change_points import change_points

SERIES = 200


def noise(seed: int, count: int, tails: bool) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return 10 * np.exp(0.04 * (draw.standard_t(3, count) if tails else draw.normal(0, 1, count)))


def places(values: np.ndarray) -> list[int]:
    return [split.at for split in change_points(values.tolist()).splits]


def share(made: list[bool]) -> str:
    return f"{sum(made)} of {len(made)}"


def changes(size: float, tails: bool) -> None:
    for count, at in ((300, 280), (100, 92), (60, 55), (30, 26), (300, 150), (12, 8), (10, 6)):
        right, seen = [], []
        for seed in range(SERIES):
            values = noise(seed, count, tails)
            values[at:] *= size
            found = places(values)
            seen.append(bool(found))
            right.append(len(found) == 1 and abs(found[0] - at) <= 1)
        law = "t, 3 df" if tails else "normal"
        print(f"| {count} | {at} | x {size:g} | {law} | {share(right)} | {share(seen)} |")


def without() -> None:
    for count in (10, 20, 60, 100, 300):
        for tails in (False, True):
            alarms = [bool(places(noise(seed, count, tails))) for seed in range(SERIES)]
            print(f"| flat, {count} runs, {'t, 3 df' if tails else 'normal'} | {share(alarms)} |")
    for total in (0.05, 0.1, 0.25, 0.5, 1.0):
        alarms = [
            bool(places(noise(seed, 100, False) * np.exp(np.linspace(0, total, 100))))
            for seed in range(SERIES)
        ]
        print(f"| drift of {total:.0%} over 100 runs | {share(alarms)} |")
    for factor in (0.3, 1.5, 10.0):
        alarms = []
        for seed in range(SERIES):
            values = noise(seed, 60, False)
            values[seed % 60] *= factor
            alarms.append(bool(places(values)))
        print(f"| one run of 60 x {factor:g} | {share(alarms)} |")


def cost() -> None:
    for count in (100, 1000, 10_000):
        values = noise(1, count, False)
        begun = time.process_time()
        places(values)
        print(f"| {count} | {time.process_time() - begun:.3f} |")


if __name__ == "__main__":
    print("| runs | change from run | size | noise | right and alone | any seen |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size, tails in ((1.25, False), (1.25, True), (1.1, False)):
        changes(size, tails)
    print("\n| series without a change | called a change |\n| --- | --- |")
    without()
    print("\n| runs | CPU seconds |\n| --- | --- |")
    cost()
    sys.exit(0)
