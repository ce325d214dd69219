"""Private engines started and stopped many times: how long each takes, and what they leave.

One in ten is left as a killed lab leaves it, by SIGKILL of the process that started it, and cleared
by the next sweep. After each nothing may be left that names its folder: no process, mount, control
group, folder or socket.
Run: ``python -m benchmarks.engine_starts 200 docker@28 podman@5.8``; with ``--from-nothing``
also how long each takes whose root is not in the cache. Figures: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab.engines import private
from lab.engines.roots import programs
from lab.host import paths
from lab.model import engine_name

PATIENCE_S = 20.0
OWNER = """
import sys, time
from benchmarks.engine_starts import start
print(start(sys.argv[1]).folder, flush=True)
time.sleep(600)
"""


def start(name: str) -> private.Private:
    """A private engine of this name."""
    asked = engine_name.parse(name)
    found = programs(asked, _quiet)
    if asked.program == "docker":
        return private.start_docker(_quiet, found, asked.store)
    return private.start_podman(_quiet, found)


def left(folder: Path) -> list[str]:
    """What still names an engine's folder: pids, mounts, groups, folders."""
    name = folder.name
    found = [f"folder {place}" for place in (folder, _sockets(name)) if place.exists()]
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if name.encode() in (process / "cmdline").read_bytes():
                found.append(f"process {process.name}")
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line.split()[1]}" for line in mounts if name in line]
    found += [f"group {place}" for place in Path("/sys/fs/cgroup").glob(f"*/lab-{name}")]
    found += [f"group {place}" for place in Path("/sys/fs/cgroup").glob(f"lab-{name}")]
    return found


def once(name: str) -> tuple[float, float, list[str]]:
    """Seconds to start, seconds to stop, and what is left."""
    before = time.perf_counter()
    engine = start(name)
    up = time.perf_counter()
    engine.close()
    down = time.perf_counter()
    return up - before, down - up, left(engine.folder)


def killed(name: str) -> list[str]:
    """What is left of an engine whose lab was killed, after the next sweep."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, name], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        folder = Path(owner.stdout.readline().strip())
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + PATIENCE_S
    private.sweep(_quiet)
    while (found := left(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)  # another lab that starts here may have been first to clear it
    return found


def from_nothing(name: str) -> float:
    """Seconds until it answers where no root and no index is in the cache."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".starts-") as folder:
        environment = os.environ | {"LAB_CACHE": folder}
        code = f"from benchmarks.engine_starts import start; start({name!r}).close()"
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        return time.perf_counter() - before


def main() -> None:
    """Print a row for each engine; exit 1 where anything was left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--from-nothing", action="store_true")
    given = parser.parse_args()
    print("| engine | starts | up, s: median | worst | stop, s: median | killed | left |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    lost = 0
    for name in given.names:
        start(name).close()  # its root is in the cache from here on
        ups, downs, remains = [], [], []
        for _ in range(given.count - given.count // 10):
            up, down, rest = once(name)
            ups.append(up)
            downs.append(down)
            remains += rest
        for _ in range(given.count // 10):
            remains += killed(name)
        lost += len(remains)
        print(
            f"| {name} | {given.count} | {statistics.median(ups):.2f} | {max(ups):.2f} "
            f"| {statistics.median(downs):.2f} | {given.count // 10} "
            f"| {', '.join(remains) or 'nothing'} |",
            flush=True,
        )
    for name in given.names if given.from_nothing else ():
        print(f"{name}: {from_nothing(name):.0f} s from nothing", flush=True)
    sys.exit(1 if lost else 0)


def _sockets(name: str) -> Path:
    return paths.runtime_dir() / name


def _quiet(_: str) -> None:
    pass


if __name__ == "__main__":
    main()
