"""Kill -9 of an engine's processes while it builds, drawn by a seed; then the run goes on.

    python -m tests.chaos.engine_kills --seed 1 --count 30 docker
    python -m tests.chaos.engine_kills --seed 1 --count 30 podman

One of dockerd, containerd, its shim, runc, podman or conmon dies at a random moment of a run on a
private engine. The lab must end well or say in one of its errors that the engine was lost or the
build failed; then `--resume` completes, no record is lost or doubled, and nothing is left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.chaos import killed_verbs, kills
from tests.chaos.leftovers import Place

PROCESSES = {
    "docker": ("dockerd", "containerd", "containerd-shim", "runc"),
    "podman": ("podman", "conmon", "runc"),
}
ENDS = (0, 6, 7, 8)  # well, a build failed, no engine, an engine lost
MOST_S = 120.0


def named(place: Place, name: str) -> Iterator[int]:
    """The processes of that name that work with this place's engines."""
    sign = os.fsencode(place.cache / "engines")
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            known = (entry / "comm").read_text().strip() == name[:15]
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if known and sign in said:
                yield int(entry.name)


def strike(process: subprocess.Popen[str], place: Place, name: str, after_s: float) -> bool:
    """Kill a process of that name as soon as there is one, some time into the builds."""
    deadline = time.monotonic() + MOST_S
    while not any(place.results.glob("*/events/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
        if process.poll() is not None:
            return False
    time.sleep(after_s)
    while process.poll() is None and time.monotonic() < deadline:
        for one in named(place, name):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
                return True
    return False


def once(engine: str, number: int, seed: int) -> tuple[str, list[str]]:
    """Kill one; how the run ended, and what is wrong."""
    dice = random.Random(f"{seed}/{engine}/{number}")
    name, after = dice.choice(PROCESSES[engine]), dice.uniform(0, 6)
    with tempfile.TemporaryDirectory(prefix="lab-k-") as folder, ExitStack() as stack:
        place = Place(Path(folder))
        verb = killed_verbs.verb(engine, stack)
        verb.prepare(place)
        stack.callback(kills._end, place)
        process = kills.start(place, verb.words(place))
        struck = strike(process, place, name, after)
        engines = place.engines()
        code, _, err = kills.ended(process)
        wrong = [] if code in ENDS and "Traceback" not in err else [f"{code}: {err[-400:]}"]
        if code and "next: " not in err:
            wrong.append(f"no next step: {err[-400:]}")
        before = verb.before(place)
        lost = [build for build in map(json.loads, before.splitlines()) if build["status"] != "ok"]
        if code in {6, 8} and not lost:
            wrong.append("no record says what was lost")
        while (words := verb.again(place)) is not None:
            code_then, _, err = kills.ended(kills.start(place, words))
            engines |= place.engines()
            if code_then not in {0, 6}:
                wrong.append(f"{words}: {code_then}: {err[-300:]}")
                break
        wrong += [one for one in verb.wrong(place, before) if not one.startswith("not ok")]
        wrong += kills._left(place, engines)
    return f"{name if struck else 'nothing'} killed: exit {code}", wrong


def main() -> int:
    """Kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=sorted(PROCESSES))
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    bad = 0
    for number in range(options.count) if options.only is None else [options.only]:
        ended, wrong = once(options.engine, number, options.seed)
        ends[ended] += 1
        bad += bool(wrong)
        for line in wrong:
            print(f"--only {number} ({ended}): {line}", flush=True)
    print(f"{options.engine}: {ends.total()} kills of an engine, {bad} with something wrong")
    for ended, count in sorted(ends.items()):
        print(f"  {ended} {count}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
