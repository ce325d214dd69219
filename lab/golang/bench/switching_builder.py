"""A builder of `lab bench switch`, run by itself: builds a program again and again and runs it.

A process of its own: a builder in the lab's own would hold up the switches that the lab times.
It tells one line of JSON for each build, and ends after ``builds`` of them or with its input.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path


def main() -> None:
    plan = json.loads(sys.argv[1])
    folder = Path(plan["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text("module lab.example/turn\n\ngo 1.21\n")
    turn = 0
    while plan["builds"] is None or turn < plan["builds"]:
        turn += 1
        (folder / "main.go").write_text(plan["program"] % f"{plan['name']}-{turn}")
        code, said = once(plan, folder)
        sys.stdout.write(json.dumps({"turn": turn, "code": code, "said": said}) + "\n")
        sys.stdout.flush()
        if select.select([sys.stdin], [], [], 0)[0]:
            return


def once(plan: dict[str, str], folder: Path) -> tuple[int, str]:
    """Build, and run what was built: the exit code, and what was said."""
    program = folder / "turn"
    environment = os.environ | json.loads(plan["environment"])
    build: list[str | Path] = [f"{plan['goroot']}/bin/go", "build", "-o", program, "."]
    run: list[str | Path] = [program]
    for command in (build, run):
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            return done.returncode, done.stderr[-500:]
    return 0, done.stdout.strip()


if __name__ == "__main__":
    main()
