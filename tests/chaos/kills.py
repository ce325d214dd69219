"""Kill -9 of the lab at moments drawn by a seed, and what the next start makes of it.

    python -m tests.chaos.kills --seed 1 --count 170 run compare import replay validate
    python -m tests.chaos.kills --seed 1 --count 30 docker podman users-docker

Half of the moments are numbers of what the lab does to its surroundings (tests/chaos/killed.py),
half are times. A third of the next starts is killed as well. ``--only NUMBER`` repeats one. Records
are read by plain JSON, what was left is counted by tests/chaos/leftovers.py: nothing here asks the
lab how it fared. Exits with 1 where anything was lost, doubled, left or not told.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import killed_verbs
from tests.chaos.killed_verbs import Verb
from tests.chaos.leftovers import Place, left

ROOT = Path(__file__).parents[2]
ENDS_S = 10.0  # what a dead lab's processes have to end in
LONGEST_S = 300.0


@dataclass(slots=True)
class Kill:
    """One kill and what came of it. ``wrong`` is empty where all is well."""

    verb: str
    number: int
    moment: str
    died: bool = False
    lines: int = 0
    wrong: list[str] = field(default_factory=list)


def start(
    place: Place, words: list[str], settings: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """The lab in its place."""
    clients = ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT")
    mine = {name: text for name, text in os.environ.items() if name not in clients}
    own = {**mine, **place.environment, "PYTHONPATH": str(ROOT), "LAB_PACE": "0.1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.killed", *words],
        cwd=place.folder,
        env={**own, **(settings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code and what it said."""
    with process:
        out, err = process.communicate(timeout=LONGEST_S)
    return process.returncode, out, err


def measured(verb: Verb, place: Place) -> tuple[int, float]:
    """Over how many moments and seconds the verb goes, once it is left alone."""
    count, began = place.folder / "moments", time.monotonic()
    code, _, err = ended(start(place, verb.words(place), {"LAB_KILL_COUNT": str(count)}))
    assert code == 0, err
    return int(count.read_text()), time.monotonic() - began


def once(verb: Verb, name: str, number: int, seed: int, span: tuple[int, float]) -> Kill:
    """Kill the verb, start it again until it ends, and look."""
    dice = random.Random(f"{seed}/{name}/{number}")
    moment = dice.randint(1, span[0]) if number % 2 else dice.uniform(0.0, span[1])
    kill = Kill(name, number, f"#{moment}" if number % 2 else f"{moment:.2f} s")
    with tempfile.TemporaryDirectory(prefix="lab-k-") as folder, ExitStack() as stack:
        place = Place(Path(folder))
        verb.prepare(place)
        stack.callback(_end, place)
        kill.died = _killed(start(place, verb.words(place), _at(moment)), moment)
        engines, before = place.engines(), verb.before(place)
        kill.lines = before.count(b"\n")
        if dice.random() < 1 / 3:
            second = dice.randint(1, span[0])
            words = verb.again(place)
            if words is not None:
                _killed(start(place, words, _at(second)), second)
                engines |= place.engines()
                kill.moment += f", then #{second}"
        said = ""
        while (words := verb.again(place)) is not None:
            code, _, err = ended(start(place, words))
            engines |= place.engines()
            said = f"{words}: {code}: {err.strip()[-300:]}"
            if code != 0 or "Traceback" in err:
                kill.wrong.append(said)
                break
            (place.folder / killed_verbs.ENDED).touch()
        kill.wrong += verb.wrong(place, before)
        kill.wrong += _left(place, engines)
    return kill


def _at(moment: float) -> dict[str, str]:
    return {"LAB_KILL_AT": str(moment)} if isinstance(moment, int) else {}


def _killed(process: subprocess.Popen[str], moment: float) -> bool:
    """Whether it died of the kill, not of its own end before."""
    if isinstance(moment, float):
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
    code, _, _ = ended(process)
    return code == -signal.SIGKILL


def _left(place: Place, engines: set[str]) -> list[str]:
    deadline = time.monotonic() + ENDS_S
    while (found := left(place, engines)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _end(place: Place) -> None:
    """Of a place where something went wrong: end what is there, so that it can be removed."""
    for line in left(place):
        kind, what, *_ = line.split()
        if kind == "process":
            os.kill(int(what), signal.SIGKILL)
        elif kind == "mount":
            subprocess.run(["umount", "--lazy", what], check=False)
    shutil.rmtree(place.cache / "engines", ignore_errors=True)


def kills(name: str, verb: Verb, seed: int, numbers: range) -> Iterator[Kill]:
    """Kill a verb once for each number."""
    with tempfile.TemporaryDirectory(prefix="lab-k-") as folder:
        place = Place(Path(folder))
        verb.prepare(place)
        span = measured(verb, place)
    for number in numbers:
        yield once(verb, name, number, seed, span)


def main() -> int:
    """Kill the verbs that are named, each ``--count`` divided by their number times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="+")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    found: list[Kill] = []
    with ExitStack() as stack:
        for name in options.verbs:
            verb = killed_verbs.verb(name, stack)
            numbers = range(options.count // len(options.verbs))
            if options.only is not None:
                numbers = range(options.only, options.only + 1)
            for kill in kills(name, verb, options.seed, numbers):
                found.append(kill)
                for line in kill.wrong:
                    print(f"{name} --only {kill.number} ({kill.moment}): {line}", flush=True)
    told = Counter((kill.verb, kill.died) for kill in found)
    for name in options.verbs:
        bad = sum(1 for kill in found if kill.verb == name and kill.wrong)
        kept = sum(kill.lines for kill in found if kill.verb == name)
        print(
            f"{name}: {told[name, True]} killed, {told[name, False]} had ended before, "
            f"{kept} records were on disk, {bad} with something wrong"
        )
    return 1 if any(kill.wrong for kill in found) else 0


if __name__ == "__main__":
    sys.exit(main())
