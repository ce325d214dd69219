"""Handing a GOROOT out to nodes, rehearsed between two network namespaces of this machine.

The server holds the archive and answers names over UDP; the node asks for the name, and then runs
what a DaemonSet's pods run (lab/goroot/place.sh): it pulls the archive over a veth pair, checks its
sum, unpacks it, checks every file and renames it in place. Then a go command starts, against a
start from a copy that is on the node already. Every part is timed. No delay is added: what a real
network and a real resolver cost comes on top.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

from lab.golang.bench import programs, sandbox
from lab.golang.bench.journal import Found, Take, anew
from lab.golang.bench.outcome import Outcome
from lab.golang.bench.rounds import rounds as in_turn
from lab.golang.bench.sandbox import Sandbox, Say
from lab.golang.goroot.archive import PLACE_SCRIPT, Archive, pack
from lab.golang.goroot.home import Home
from lab.host.process import found, run
from lab.model.errors import InputError, LabError

PARTS = ("look up", "pull", "check", "unpack", "publish", "start")
SERVER, NODE = "10.213.77.1", "10.213.77.2"
NAME, PORT = "goroot-registry.internal", 8099

_SERVE = Path(__file__).with_name("distribute_server.py")
_FETCH = Path(__file__).with_name("distribute_node.py")


def measure(home: Home, version: str, *, rounds: int = 6, take: Take = anew, say: Say) -> Outcome:
    """Hand an installed version out. Series by part, "all" their sum, and "local": a start from the
    node's own copy.
    """
    lacks = "it needs root" if os.geteuid() != 0 else None
    lacks = lacks or next(
        (f"there is no {one}" for one in ("ip", "unshare") if not found(one)), None
    )
    if not found("curl") and not found("wget"):
        lacks = lacks or "there is neither curl nor wget"
    if rounds < 1:
        raise InputError("at least one round", remedy="--rounds 6")
    goroot = home.installed(version)
    settings = {"go": version, "rounds": rounds}
    if lacks:
        missing = dict.fromkeys((*PARTS, "all", "local"), lacks)
        return Outcome(experiment="distribute", settings=settings, missing=missing)
    samples: dict[str, list[float]] = defaultdict(list)
    with sandbox.opened(say) as box:
        say("packing the archive")
        archive = pack(home, version, box.folder / "served")
        for number in in_turn(rounds, say):
            each = partial(_round, box, archive, goroot)
            for part, took in take(f"{number + 1}", each).items():
                samples[part] += took
            samples["all"].append(sum(samples[part][-1] for part in PARTS))
    return Outcome(
        experiment="distribute",
        settings=settings | {"bytes": archive_size(goroot)},
        series=programs.joined(samples),
        notes=("between two network namespaces of one machine: no switch, no cluster resolver",),
    )


def archive_size(goroot: Path) -> int:
    """The bytes of the tree that is handed out."""
    return sum(path.lstat().st_size for path in goroot.rglob("*") if path.is_file())


def _round(box: Sandbox, archive: Archive, goroot: Path) -> Found:
    """One node that starts with nothing. Both namespaces go with their processes."""
    target = box.folder / "node"
    plan = json.dumps(
        {
            "server": SERVER,
            "node": NODE,
            "name": NAME,
            "port": PORT,
            "archive": str(archive.path),
            "digest": archive.sha256,
            "folder": archive.name,
            "script": str(PLACE_SCRIPT),
            "target": str(target),
            "local": str(goroot),
        }
    )
    serve = [sys.executable, str(_SERVE), plan]
    with subprocess.Popen(
        ["unshare", "--net", "--kill-child", "--fork", *serve],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            if server.stdout is None or server.stdout.readline().strip() != "ready":
                raise LabError("the rehearsal's server did not start")
            child = _child(server.pid)
            done = run(
                ["unshare", "--net", sys.executable, _FETCH, plan, str(child)],
                timeout_s=300,
            )
        finally:
            server.kill()
            run(["rm", "-rf", "--", target])
    took: dict[str, float] = json.loads(done.out)
    return {part: [seconds] for part, seconds in took.items()}


def _child(pid: int) -> int:
    """The process that unshare started: it lives in the new network namespace."""
    said = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(said[0]) if said else pid
