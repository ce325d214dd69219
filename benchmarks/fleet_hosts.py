"""Cells of real engines over three hosts against one host: where they land, and the verdicts.

The hosts are network namespaces of this machine on one bridge, each with an engine
of another version; the one host has all three. A step that sleeps twice as long is compared.
Run: ``python -m benchmarks.fleet_hosts [ROUNDS]`` (figures: benchmarks/fleet.md).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.host.paths import cache_dir
from tests.fleets import LAB, ROOT, Fleet
from tests.wires import Wires

HOSTS = {"one": "docker", "two": "docker@28", "three": "podman"}


def main() -> None:
    """Print a row for each engine."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        scenario(folder, rounds)
        for name in HOSTS:  # what is downloaded and bootstrapped is there already
            (folder / name).mkdir()
            for shared in ("bases", "roots", "probers"):
                (folder / name / shared).symlink_to(cache_dir() / shared)
        with Wires.open(("scheduler", *HOSTS, "home")) as wires:
            fleet = Fleet(folder, 8790, wires)
            keys = [*LAB, "fleet", "certificates", "keys"]
            subprocess.run(keys, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            try:
                fleet.start("scheduler", "scheduler")
                for name, engine in HOSTS.items():
                    fleet.worker(name, "--engine", engine)
                home = wires.within("home")
                over = run(folder, [*home, *LAB, "run", "tried.yaml", *fleet.words])
            finally:
                fleet.end()
        alone = run(folder, [*LAB, "run", "tried.yaml"])
    print("| engine | host | builds there | over a fleet | on one host |")
    print("| --- | --- | --- | --- | --- |")
    for host, engine in HOSTS.items():
        there = [one for one in over["builds"] if one["cell"]["engine"] == engine]
        right = sum(one["host"] == host and one["status"] == "ok" for one in there)
        told = " | ".join(verdict(side["report"], engine) for side in (over, alone))
        print(f"| {engine} | {host} | {right} of {len(there)} | {told} |")


def scenario(folder: Path, rounds: int) -> None:
    """Two cells an engine."""
    (folder / "own").mkdir()
    (folder / "own/Dockerfile").write_text("ARG BASE\nFROM $BASE\nARG WAIT\nRUN sleep $WAIT\n")
    asked = {
        "name": "tried",
        "engines": list(HOSTS.values()),
        "bases": ["bookworm"],
        "axes": {"WAIT": ["1", "2"]},
        "baseline": "1",
        "workload": {"context": "own", "dockerfile": "Dockerfile"},
        "phases": ["cold"],
        "rounds": rounds,
    }
    (folder / "tried.yaml").write_text(json.dumps(asked))


def run(folder: Path, command: Sequence[str]) -> dict[str, Any]:
    """The builds of a run, and what `lab run --json` prints."""
    known = set(folder.glob("results/*"))
    ended = subprocess.run(
        [*command, "--quiet", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
    )
    (made,) = set(folder.glob("results/*")) - known
    lines = (made / "builds.jsonl").read_text().splitlines()
    return {"builds": list(map(json.loads, lines)), "report": json.loads(ended.stdout)}


def verdict(report: dict[str, Any], engine: str) -> str:
    """The slower step against the other: the verdict, the ratio and its interval."""
    (group,) = (one for one in report["table"]["groups"] if one["cell"]["engine"] == engine)
    _, slower = group["phases"][0]["measures"]
    found = slower["versus"]
    if found is None:
        return f"{slower['verdict']}, {slower['disturbed']} of {slower['count']} disturbed"
    low, high = found["interval"]
    return f"{slower['verdict']}, {found['ratio']:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
