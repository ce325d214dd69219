"""How a go command finds its GOROOT: what decides, and which files it reads meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.golang.bench import programs, sandbox
from lab.golang.bench.outcome import Fact, Outcome, Series
from lab.golang.bench.sandbox import Say
from lab.golang.trace import strace
from lab.host.process import found, run


def measure(goroot: Path, other: Path, *, say: Say) -> Outcome:
    """Ask go commands for their GOROOT: with the variable set, without, and moved away.

    "searched with GOROOT set" counts accesses to files below other places than the one that was
    set, while `go env GOROOT` runs: the search that the variable is said to save.
    """
    facts: dict[str, Fact] = {}
    counts: dict[str, Series] = {}
    missing: dict[str, str] = {}
    with sandbox.opened(say) as box:
        lonely = box.folder / "lonely/bin/go"
        lonely.parent.mkdir(parents=True)
        shutil.copy2(goroot / "bin/go", lonely)
        set_to = {**programs.OFFLINE, "GOROOT": str(other)}
        unset = {**programs.OFFLINE, "GOROOT": ""}
        facts["environment decides"] = _asked(goroot / "bin/go", set_to) == str(other)
        facts["own path decides without it"] = _asked(goroot / "bin/go", unset) == str(goroot)
        done = run([lonely, "env", "GOROOT"], environment=unset, codes=range(256))
        built_in = done.out.strip()
        facts["built-in value decides at last"] = built_in != "" and done.code == 0
        facts["moved away, a go command says"] = built_in or " ".join(done.err.split())[:160]
        if found("strace") is None:
            missing["searched"] = "there is no strace: apt-get install strace"
        else:
            for name, environment in {"set": set_to, "unset": unset}.items():
                log = box.folder / f"{name}.log"
                command: list[str | Path] = [goroot / "bin/go", "env", "GOROOT"]
                _, calls = strace.traced(command, log, environment=environment)
                chosen = str(other if name == "set" else goroot)
                looked = [
                    call.path
                    for call in calls
                    if call.name != "execve"
                    and call.path.startswith((str(goroot), str(other)))
                    and (name == "unset" or not call.path.startswith(chosen))
                ]
                counts[f"searched with GOROOT {name}"] = Series(
                    samples=(float(len(looked)),), unit="count"
                )
    return Outcome(
        experiment="resolution",
        settings={"go": goroot.name, "other": other.name},
        series=counts,
        facts=facts,
        missing=missing,
    )


def _asked(go: Path, environment: dict[str, str]) -> str:
    return run([go, "env", "GOROOT"], environment=environment).out.strip()
