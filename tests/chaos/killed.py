"""The lab, killed by itself at the moment that LAB_KILL_AT names: as if kill -9 had come then.

    LAB_KILL_AT=17 python -m tests.chaos.killed run scenario.yaml

Moments are counted by Python's audit events of what changes something outside of the process (a
file that is opened to be written, a rename, a lock, a program that is started), so a number
repeats one. LAB_KILL_COUNT names a file for how many there were. LAB_PACE: real seconds that the
simulated engine takes for one of its own.
"""

from __future__ import annotations

import atexit
import os
import signal
from pathlib import Path

CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
MOMENTS = {
    "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.link",
    "os.symlink", "fcntl.flock", "shutil.rmtree", "subprocess.Popen", "socket.connect",
    "time.sleep", "os.kill", "os.killpg",
}  # fmt: skip


def watch(at: int) -> list[int]:
    """Count moments from now on, and end at number ``at``."""
    import sys

    seen = [0]

    def hook(event: str, words: tuple[object, ...]) -> None:
        if event == "open":
            flags = words[2]
            if not (isinstance(flags, int) and flags & CHANGING):
                return
        elif event not in MOMENTS:
            return
        seen[0] += 1
        if seen[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def slow_down(pace: float) -> None:
    """Let every simulated engine take its time."""
    from lab.engines.simulated import SimulatedEngine

    made = SimulatedEngine.__init__

    def paced(engine: SimulatedEngine) -> None:
        made(engine)
        engine.pace = pace

    SimulatedEngine.__init__ = paced


def main() -> None:
    """Run the lab's command line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "LAB_PACE" in os.environ:
        slow_down(float(os.environ.pop("LAB_PACE")))
    count = os.environ.pop("LAB_KILL_COUNT", None)
    seen = watch(int(os.environ.pop("LAB_KILL_AT", "0")))
    if count is not None:
        atexit.register(lambda: Path(count).write_text(str(seen[0])))
    from lab.cli.main import main as lab

    lab()


if __name__ == "__main__":
    main()
