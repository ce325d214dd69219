"""On what was measured, and how to measure it again: the head of a report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from lab.model import units
from lab.model.json_fields import typed
from lab.model.origin import Origin
from lab.model.record import Build, EngineFacts, HostFacts, Run
from lab.report.formatting import TIMES
from lab.results.table import Table


def facts(table: Table, builds: Sequence[Build], runs: Sequence[Run]) -> list[tuple[str, str]]:
    """What was compared, and on what, as names and texts."""
    versus = f", ratios to {table.baseline}" if table.baseline else ""
    found = [("compared", f"{table.axis}: {', '.join(table.columns)}{versus}")]
    counted = [build for build in builds if not build.warm_up]
    rounds = len({build.round for build in counted})
    measured = sum(build.status == "ok" for build in counted)
    said = f"{measured} measured of {len(counted)} planned, rounds: {rounds}"
    if len(counted) < len(builds):
        said += f"; {len(builds) - len(counted)} more to warm up, counted nowhere"
    found.append(("builds", said))
    for run in runs:
        called = f"{run.id}, {run.name}" if run.name else run.id
        found.append(("run", f"{called}, seed {run.seed}, started {run.started}"))
        if said := origin(run.origin):
            found.append(("commit", said))
        found += hosts(run)
        found += [("control", control(one)) for one in run.controls]
        found += [("engine", engine(one)) for one in run.engines]
        found += [("base", base(one)) for one in run.bases]
    return found


def hosts(run: Run) -> list[tuple[str, str]]:
    """The machine, or each of a fleet's that could build of the run."""
    if not run.hosts:
        return [("host", machine(run.host))]
    return [
        ("host", f"{one['name']}: {machine(HostFacts(**typed(HostFacts, dict(one['host']))))}")
        for one in run.hosts
    ]


def machine(host: HostFacts) -> str:
    """A machine in words."""
    parts = [
        f"{host.cpus} {TIMES} {host.cpu_model}" if host.cpus else host.cpu_model,
        units.size(host.memory_bytes) if host.memory_bytes else None,
        f"kernel {host.kernel}" if host.kernel else None,
        f"glibc {host.glibc}" if host.glibc else None,
        f"cgroup {host.cgroup}" if host.cgroup else None,
        host.filesystem,
    ]
    return ", ".join(part for part in parts if part) or units.MISSING


def origin(one: Origin) -> str:
    """What was built, and in which job; empty where nothing of it is known."""
    parts = [
        f"{one.commit}{' with changes' if one.dirty else ''}" if one.commit else None,
        f"merged of {one.head}" if one.head else None,
        f"branch {one.branch}" if one.branch else None,
        f"change {one.change}" if one.change else None,
        " ".join(word for word in (one.ci, one.job) if word) or None,
        one.url,
    ]
    return ", ".join(part for part in parts if part)


def base(record: Mapping[str, Any]) -> str:
    """A base in words."""
    if record.get("origin") == "registry":  # the engine pulls it: the lab never has its files
        return f"{record.get('name')}: {record.get('ref')}, glibc not read (in a registry)"
    glibc = record.get("glibc") or "none found in it"
    go = f", Go {record['go']}" if record.get("go") else ""
    digest = str(record.get("digest") or "").removeprefix("sha256:")[:12]
    return f"{record.get('name')}: glibc {glibc}{go} {digest}".rstrip()


def control(record: Mapping[str, Any]) -> str:
    """A control and what became of it."""
    where = f" for {record['engine']}" if record.get("engine") else ""
    held = f", reads back {record['held']}" if record.get("held") else ""
    reason = f" ({record['reason']})" if record.get("reason") else ""
    return f"{record.get('name')} {record.get('asked')}{where}: {record.get('state')}{held}{reason}"


def cpu_unknown(runs: Sequence[Run]) -> list[str]:
    """A note where builds have no CPU time, and what would give it."""
    names = dict.fromkeys(
        one.name for run in runs if not run.imported for one in run.engines if not one.private
    )
    if not names:
        return []
    return [
        f"the CPU time of builds on {', '.join(names)} is not known: these daemons do others' work "
        "as well; with --private it is measured"
    ]


def engine(facts: EngineFacts) -> str:
    """An engine in words."""
    where = "private to the lab" if facts.private else facts.endpoint
    return (
        f"{facts.name} {facts.version} (API {facts.api}, {facts.builder}), "
        f"storage {facts.storage}, {where}"
    )


def repeat(run: Run) -> str:
    """The command that makes this run again, with all that its own command line changed."""
    if run.scenario.path is None:
        return f"the scenario's text is in {run.id}/run.json; seed {run.seed}"
    words = ["lab", "run", run.scenario.path]
    asked = run.options
    for name in asked.engines or ():
        address = (asked.endpoints or {}).get(name)
        words += ["--engine", f"{name}={address}" if address else name]
    # Where rounds end once all is decided, the scenario says so: a number would take that away.
    if asked.rounds and asked.until is None:
        words += ["--rounds", str(asked.rounds)]
    if asked.private:
        words.append("--private")
    if asked.baseline:
        words += ["--baseline", asked.baseline]
    return shlex.join([*words, "--seed", str(run.seed)])
