"""Disks that fail under the lab, drawn by a seed, and what is left once they work again.

    python -m tests.chaos.starved --seed 1 --count 20

A run's results, temporary files or cache lie on a small file system of their own: it has no bytes
or no inodes left, turns read-only, or what is on it is taken away. Each must end in one of the
lab's errors with a next step, the records until then whole; with room again `--resume` completes.
Root only, for the mounts. ``--only NUMBER`` repeats one.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import killed_verbs, kills
from tests.chaos.leftovers import Place, left

MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a disk. ``codes``: the exit codes that tell it.

    ``begin`` before the run, ``strike`` once its first record is on disk, ``lift`` behind it.
    """

    name: str
    codes: tuple[int, ...]
    begin: Callable[[Place, ExitStack], None]
    strike: Callable[[Place], None] | None = None
    lift: Callable[[Place], None] | None = None


def shell(*words: object) -> str:
    """Run a tool of the host."""
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def small(place: Path, options: str, stack: ExitStack) -> None:
    """Mount a small file system there."""
    place.mkdir(exist_ok=True)
    shell("mount", "-t", "tmpfs", "-o", options, "small", place)
    stack.callback(shell, "umount", "--lazy", place)


def roomy(place: Path) -> None:
    """Give it all the room that it wants."""
    shell("mount", "-o", "remount,rw,size=64m,nr_inodes=20000", place)


def bytes_left(size: int) -> Fault:
    """Results on a disk that is full after so many KB."""
    return Fault(
        f"results of {size} KB",
        (10,),
        lambda place, stack: small(place.results, f"size={size}k", stack),
        lift=lambda place: roomy(place.results),
    )


def inodes_left(count: int) -> Fault:
    """Results on a disk that can hold so many files."""
    return Fault(
        f"results of {count} files",
        (10,),
        lambda place, stack: small(place.results, f"size=64m,nr_inodes={count}", stack),
        lift=lambda place: roomy(place.results),
    )


def read_only() -> Fault:
    """Results that can only be read, from the beginning."""
    return Fault(
        "read-only results",
        (11,),
        lambda place, stack: small(place.results, "size=64m,ro", stack),
        lift=lambda place: roomy(place.results),
    )


def turned_read_only() -> Fault:
    """Results on an ext4 that meets an error and lets nothing be written any more."""

    def begin(place: Place, stack: ExitStack) -> None:
        image = place.folder / "ext4.image"
        image.write_bytes(b"")
        shell("truncate", "--size", "32M", image)
        shell("mkfs.ext4", "-q", image)
        place.results.mkdir()
        shell("mount", "-o", "loop,errors=remount-ro", image, place.results)
        (place.results / "lost+found").rmdir()
        stack.callback(shell, "umount", "--lazy", place.results)

    def device(place: Place) -> str:
        return Path(shell("findmnt", "-no", "SOURCE", place.results)).name

    def strike(place: Place) -> None:
        Path(f"/sys/fs/ext4/{device(place)}/trigger_fs_error").write_text("1")

    def lift(place: Place) -> None:
        shell("umount", place.results)
        check = ["fsck.ext4", "-fy", place.folder / "ext4.image"]
        subprocess.run(check, check=False, capture_output=True)
        shell("mount", "-o", "loop", place.folder / "ext4.image", place.results)
        with suppress(OSError):
            (place.results / "lost+found").rmdir()

    return Fault("results turned read-only", (11,), begin, strike, lift)


def taken(how: str) -> Fault:
    """Results that somebody takes away while they are written."""

    def strike(place: Place) -> None:
        (run,) = (path.parent for path in place.results.glob("*/run.json"))
        if how == "run":
            shutil.rmtree(run)
        elif how == "all":
            place.results.rename(place.folder / "elsewhere")
        else:
            place.results.rename(place.folder / "elsewhere")
            place.results.write_text("a file")

    def lift(place: Place) -> None:
        if how == "run":
            return
        if place.results.is_file():
            place.results.unlink()
        shutil.rmtree(place.results, ignore_errors=True)
        (place.folder / "elsewhere").rename(place.results)

    return Fault(f"{how} taken away", (11,), lambda *_: None, strike, lift)


def no_temporary(options: str) -> Fault:
    """A full disk for temporary files, which contexts and charts may need."""
    return Fault(
        f"temporary files with {options}",
        (0, 10, 11),
        lambda place, stack: small(Path(place.environment["TMPDIR"]), options, stack),
        lift=lambda place: roomy(place.folder / "tmp"),
    )


def drawn(seed: int, number: int) -> Fault:
    """One fault."""
    dice = random.Random(f"{seed}/disk/{number}")
    faults = [
        lambda: bytes_left(dice.randint(16, 400)),
        lambda: inodes_left(dice.randint(4, 45)),
        lambda: bytes_left(dice.randint(16, 160)),
        lambda: taken(dice.choice(("run", "all", "replaced"))),
        lambda: inodes_left(dice.randint(4, 20)),
        dice.choice((read_only, turned_read_only)),
        lambda: no_temporary(dice.choice(("size=4k", "nr_inodes=2"))),
        turned_read_only,
    ]
    return faults[number % len(faults)]()


def once(fault: Fault) -> list[str]:
    """Let the lab meet a fault; what did not hold."""
    verb = killed_verbs.verb("run", ExitStack())
    with tempfile.TemporaryDirectory(prefix="lab-k-") as folder, ExitStack() as stack:
        place = Place(Path(folder))
        verb.prepare(place)
        fault.begin(place, stack)
        process = kills.start(place, verb.words(place))
        if fault.strike is not None and first_record(place):
            fault.strike(place)
        code, _, err = kills.ended(process)
        wrong = [] if told(code, err, fault) else [f"{code}: {err[-500:]}"]
        if fault.lift is not None:
            fault.lift(place)
        before = verb.before(place)
        wrong += list(torn(before))
        while (words := verb.again(place)) is not None:
            code, _, err = kills.ended(kills.start(place, words))
            if code != 0:
                wrong.append(f"then {words}: {code}: {err[-500:]}")
                break
        wrong += verb.wrong(place, before)
        results = {f"mount {place.results} {kind}" for kind in ("tmpfs", "ext4")}
        known = {*results, f"mount {place.folder}/tmp tmpfs"}
        wrong += [one for one in left(place) if one not in known and not one.startswith("loop")]
    return wrong


def told(code: int, err: str, fault: Fault) -> bool:
    """Whether the lab's end says what happened."""
    clear = code == 0 or ("next: " in err and "lab: " in err)
    return code in (*fault.codes, 0) and "Traceback" not in err and clear


def torn(lines: bytes) -> Iterator[str]:
    """What is no record."""
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            json.loads(line)
        except ValueError:
            yield f"builds.jsonl:{number} is torn"


def first_record(place: Place) -> bool:
    """Wait for it."""
    deadline = time.monotonic() + MOST_S
    while time.monotonic() < deadline:
        if any(path.stat().st_size for path in place.results.glob("*/builds.jsonl")):
            return True
        time.sleep(0.01)
    return False


def main() -> int:
    """Draw faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    numbers = range(options.count) if options.only is None else [options.only]
    bad = 0
    for number in numbers:
        fault = drawn(options.seed, number)
        wrong = once(fault)
        bad += bool(wrong)
        for line in wrong:
            print(f"--only {number} ({fault.name}): {line}", flush=True)
    print(f"{len(numbers)} disk faults, {bad} with something wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
