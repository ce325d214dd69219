"""Damaged input of every format through all that reads it, outside CI: `make chaos`.

    python -m tests.chaos.fuzz --count 100000 --seed 1 [FORMAT...]

An input is made of the seed and its number alone: ``--only NUMBER`` repeats one. No input may lead
to anything but an answer or one of the lab's errors, to more than 5 s of CPU, or to more than
500 MB. Prints a line for each format, and for each find how to repeat it; exits with 1 at any.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from lab.model.errors import LabError
from tests.chaos.formats import ROOT, Format, Reader, table
from tests.chaos.mutations import mutate

LONGEST_S = 5.0
MOST_BYTES = 500_000_000
SHOWN = 20


class Hang(BaseException):
    """An input took too long. No `except Exception` on the way may swallow it."""


@dataclass(slots=True)
class Tally:
    """What came of the inputs of one format; ``finds`` by where they happened."""

    count: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    grown_bytes: int = 0
    finds: dict[str, tuple[int, str]] = field(default_factory=dict)


def inputs(
    name: str, corpus: list[bytes], seed: int, numbers: range
) -> Iterator[tuple[int, bytes]]:
    """Damaged files, each by its number."""
    for number in numbers:
        dice = random.Random(f"{seed}/{name}/{number}")
        yield number, mutate(dice, dice.choice(corpus), corpus)


def fuzz(name: str, one: Format, folder: Path, seed: int, numbers: range) -> Tally:
    """Read damaged files; whatever is not an answer is a find."""
    corpus = list(one.corpus())
    read = one.reader(folder)
    assert any(_reads(read, whole) for whole in corpus)
    tally, before = Tally(), _peak()
    for number, data in inputs(name, corpus, seed, numbers):
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        try:
            read(data)
        except LabError:
            tally.refused += 1
        except (Exception, Hang) as error:  # noqa: BLE001 - to find what is raised is its purpose
            signal.setitimer(signal.ITIMER_PROF, 0)
            tally.finds.setdefault(_place(error), (number, _said(error)))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        tally.count += 1
        took = time.process_time() - began
        tally.slowest_s = max(tally.slowest_s, took)
        grown = _peak() - before
        if grown > MOST_BYTES:
            tally.finds.setdefault("memory", (number, f"{grown / 1e6:.0f} MB"))
        tally.grown_bytes = grown
    return tally


def _reads(read: Reader, data: bytes) -> bool:
    try:
        read(data)
    except LabError:  # a scenario that names a folder, which is not here
        return False
    return True


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(error: BaseException) -> str:
    """The innermost line of the lab that had a part in it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(ROOT / "lab"))
    ]
    at = frames[-1] if frames else None
    where = f"{Path(at.filename).relative_to(ROOT)}:{at.lineno}" if at else "?"
    return f"{type(error).__name__} at {where}"


def _said(error: BaseException) -> str:
    return str(error).replace("\n", " ")[:160]


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang(f"more than {LONGEST_S:g} s of CPU")


def main() -> int:
    """Fuzz the formats that are named, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one input")
    parser.add_argument("--keep", type=Path, help="with --only: write the input there")
    options = parser.parse_args()
    signal.signal(signal.SIGPROF, _hang)
    found = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        known = table(folder)
        for name in options.formats or known:
            numbers = range(options.first, options.first + options.count)
            if options.only is not None:
                numbers = range(options.only, options.only + 1)
            own = folder / name.replace(" ", "-").strip(".")
            own.mkdir()
            if options.keep is not None:
                corpus = list(known[name].corpus())
                ((_, data),) = inputs(name, corpus, options.seed, numbers)
                options.keep.write_bytes(data)
            began = time.process_time()
            tally = fuzz(name, known[name], own, options.seed, numbers)
            print(
                f"{name}: {tally.count} inputs, {tally.refused} refused, slowest "
                f"{tally.slowest_s:.2f} s, {tally.grown_bytes / 1e6:.0f} MB more, "
                f"{time.process_time() - began:.0f} CPU s, {len(tally.finds)} finds",
                flush=True,
            )
            for where, (number, said) in list(tally.finds.items())[:SHOWN]:
                print(f"  {where}: {said}\n    --seed {options.seed} --only {number} {name!r}")
            found += len(tally.finds)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
