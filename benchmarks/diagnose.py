"""What `lab diagnose` takes of 200 MB of log: ``python -m benchmarks.diagnose``.

Four good builds and a failed one of 40 MB each: recorded logs of real tools, over and over, with
numbers that are new in each line. Prints the seconds, those of CPU, and the process's peak memory.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import tempfile
import time
from pathlib import Path

from lab.results import runs
from lab.results.diagnosis.diagnose import diagnose
from tests import log_runs
from tests.log_runs import COMMANDS, Log, Printed

SIZE = 40_000_000
TOOLS = ("apt", "npm", "go")


def loud(tool: str, seed: int, size: int) -> Log:
    """A recorded log again and again, each line with a number of its own."""
    draw = random.Random(seed)
    lines: list[tuple[float, str]] = []
    written = 0
    while written < size:
        for _, text in log_runs.logs()[f"{tool}-good{draw.randint(1, 4)}"].lines:
            lines.append((len(lines) / 1e4, f"{text} [{draw.randrange(10**9)}]"))
            written += len(lines[-1][1]) + 1
    return Log(len(lines) / 1e4, 0, tuple(lines))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        builds = [
            [Printed(COMMANDS[tool], loud(tool, 10 * n, SIZE // len(TOOLS))) for tool in TOOLS]
            for n in range(4)
        ]
        good = log_runs.write(Path(folder), "good", builds)
        last = loud("go", 77, SIZE // len(TOOLS))
        broken = Log(last.seconds, 1, (*last.lines, (last.seconds, "x.go:3: undefined: y")))
        bad = log_runs.write(
            Path(folder), "bad", [[*builds[0][:2], Printed(COMMANDS["go"], broken)]], day=2
        )
        del builds, last, broken
        # A process of its own: what made the logs has held them.
        one = multiprocessing.get_context("spawn").Process(
            target=measure, args=(good.folder, bad.folder)
        )
        one.start()
        one.join()


def measure(good: Path, bad: Path) -> None:
    start, began = time.process_time(), time.perf_counter()
    (found,) = diagnose(runs.read(bad), bad.parent, against=runs.read(good))
    took, wall = time.process_time() - start, time.perf_counter() - began
    # Of this program alone: ru_maxrss would count the process that it was forked from too.
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    print(f"first: {found.shown[0].finding.text}; {wall:.1f} s, of CPU {took:.1f} s; "
          f"peak memory {peak:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
