"""Changing GOROOT under one build cache: what is compiled again, why, and what a build opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.golang.bench import actions, programs, sandbox
from lab.golang.bench.outcome import Fact, Outcome, Series
from lab.golang.bench.sandbox import Sandbox, Say
from lab.golang.trace import goroot as sums
from lab.golang.trace import strace, why
from lab.host.process import Done, run
from lab.model.errors import MissingPrerequisite

SOURCE = """\
package main

import (
	"fmt"
	"strings"
)

func main() { fmt.Println(strings.Repeat("x", 3)) }
"""


def measure(before: Path, after: Path, *, say: Say) -> Outcome:
    """Build a small program with one GOROOT, with another version, back, and with a copy.

    "<step>/std compiled" counts packages of the standard library that a compiler ran for, out of
    "std needed"; the reasons are Go's own (lab.golang.trace.why).
    """
    counts: dict[str, Series] = {}
    facts: dict[str, Fact] = {}
    missing: dict[str, str] = {}
    with sandbox.opened(say) as box:
        project = _project(box)
        copy = sandbox.fill(before, box.folder / "elsewhere/go")
        steps = {"first": before, "other version": after, "back": before, "same, elsewhere": copy}
        logs: dict[str, Mapping[str, why.Key]] = {}
        for step, goroot in steps.items():
            say(f"building: {step}")
            done, graph = _build(box, project, goroot)
            std = actions.compiled(graph, of_std=True)
            logs[step] = why.keys(done.err)
            counts[f"{step}/std compiled"] = _count(len(std))
            needed = [one for one in graph if one.mode == "build" and "." not in one.package]
            counts[f"{step}/std compiled share"] = Series(
                samples=(len(std) / max(1, len(needed)),), unit="share"
            )
            if step != "first":
                found = why.grouped(why.changes(logs["first"], logs[step]))
                facts[f"{step}: keys changed by"] = (
                    ", ".join(f"{reason} ({count})" for reason, count in found.items()) or "nothing"
                )
        try:
            counts |= _opens(box, project, before, say)
        except MissingPrerequisite as lack:
            missing["opens"] = lack.message
    return Outcome(
        experiment="recompile",
        settings={"before": before.name, "after": after.name},
        series=counts,
        facts=facts,
        missing=missing,
    )


@dataclass(frozen=True, slots=True)
class _Project:
    folder: Path
    environment: Mapping[str, str]


def _project(box: Sandbox) -> _Project:
    folder = box.folder / "project"
    folder.mkdir()
    (folder / "go.mod").write_text("module lab.example/small\n\ngo 1.21\n")
    (folder / "main.go").write_text(SOURCE)
    cache = box.folder / "gocache"
    return _Project(folder, {**programs.OFFLINE, "GOCACHE": str(cache), "CGO_ENABLED": "0"})


def _build(
    box: Sandbox, project: _Project, goroot: Path
) -> tuple[Done, tuple[actions.Action, ...]]:
    graph = box.folder / "graph.json"
    done = run(
        [goroot / "bin/go", "build", f"-debug-actiongraph={graph}", "-o", box.folder / "app", "."],
        environment={**project.environment, "GODEBUG": "gocachehash=1"},
        folder=project.folder,
    )
    return done, actions.read(graph.read_text())


def _opens(box: Sandbox, project: _Project, goroot: Path, say: Say) -> dict[str, Series]:
    """What a build with an empty cache opens, by strace."""
    say("tracing a build with an empty cache")
    cache = box.folder / "gocache-traced"
    _, calls = strace.traced(
        [goroot / "bin/go", "build", "-o", box.folder / "app", "."],
        box.folder / "strace.log",
        environment={**project.environment, "GOCACHE": str(cache)},
        folder=project.folder,
    )
    seen = sums.summary(calls, goroot=str(goroot), gocache=str(cache), project=str(project.folder))
    share = seen.runtime_archive_share
    found = {"opens": _count(seen.opens)}
    if share is not None:
        found["opens of runtime.a"] = Series(samples=(share,), unit="share")
    for one in seen.classes:
        found[f"opens in {one.kind}"] = _count(one.opens)
    return found


def _count(value: int) -> Series:
    return Series(samples=(float(value),), unit="count")
