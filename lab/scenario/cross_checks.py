"""Checks of a scenario that need more than one field.

They read the file's raw data and pass over whatever has no shape yet, so that their findings
show beside those of the single fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lab.dockerfile.generated_project import least_lines
from lab.scenario import check_fresh
from lab.scenario.axes import (
    BASE_KINDS,
    FILE_KINDS,
    TOOLCHAIN_KINDS,
    base_name,
    expanded,
    toolchain_name,
)
from lab.scenario.finding import Finding, items, mapping, repeated, texts

# Edits that the lab knows how to make. Those of OWN need no generated project.
BUILT_IN_EDITS = (
    "source",
    "comment",
    "new-file",
    "dependency",
    "instruction",
    "env",
    "arg",
    "goroot",
    "mtime",
    "mode",
    "base",
)
OWN_EDITS = ("instruction", "env", "arg", "base")
GENERATED = {"packages": 6, "lines": 1200, "depth": 3, "seed": 1}  # what is not said otherwise
OWN_KEYS = ("dockerfile", "target", "build_args", "images")
# The cells' own axes, words that records use, and variables that the layouts and edits set.
RESERVED = frozenset(
    {"engine", "base", "toolchain", "layout", "cache", "link", "round", "phase"}
) | frozenset({"BASE", "GOROOT", "PATH", "GOCACHE", "VERSION", "LAB_SETTING"})


def findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Every mistake between the fields of a scenario."""
    yield from _one_kind(data, "bases", BASE_KINDS)
    yield from _one_kind(data, "toolchains", TOOLCHAIN_KINDS)
    yield from _workload(data)
    yield from _phases(data)
    yield from _edits(data)
    yield from _controls(data)
    yield from check_fresh.findings(data)
    for field in ("engines", "layouts", "caches", "phases"):
        yield from repeated((field,), list(enumerate(items(data, field))))
    for name in mapping(data, "axes"):
        yield from repeated(("axes", name), list(enumerate(items(mapping(data, "axes"), name))))
        if name in RESERVED:
            yield Finding(
                location=("axes", name),
                found=f"an axis named {name!r}",
                expected="another name: the lab gives this one its meaning",
                at_key=True,
            )
    yield from repeated(("bases",), [(i, base_name(b)) for i, b in enumerate(items(data, "bases"))])
    yield from repeated(
        ("toolchains",),
        [(i, toolchain_name(t)) for i, t in enumerate(items(data, "toolchains"))],
    )


def _controls(data: Mapping[str, Any]) -> Iterator[Finding]:
    asked = mapping(data, "controls")
    phases = texts(items(data, "phases"))
    for phase in mapping(asked, "page_cache"):
        if phase != "*" and phases and phase not in phases:
            yield Finding(
                location=("controls", "page_cache", phase),
                found=f"{phase!r}, which is no phase of this scenario",
                expected=f"* or one of {', '.join(phases)}",
                known=phases,
                typed=str(phase),
                at_key=True,
            )
    cpus = asked.get("cpus")
    for first, last in re.findall(r"(\d+)-(\d+)", cpus) if isinstance(cpus, str) else ():
        if int(first) > int(last):
            yield Finding(
                location=("controls", "cpus"),
                found=f"the range {first}-{last}",
                expected="the lower CPU first",
            )


def _one_kind(data: Mapping[str, Any], field: str, kinds: tuple[str, ...]) -> Iterator[Finding]:
    for index, entry in enumerate(items(data, field)):
        if isinstance(entry, dict):
            present = [kind for kind in kinds if kind in entry]
            if len(present) != 1:
                yield Finding(
                    location=(field, index),
                    found=" and ".join(present) if present else f"none of {', '.join(kinds)}",
                    expected=f"exactly one of {', '.join(kinds)}",
                )
            elif "sha256" in entry and present[0] not in FILE_KINDS:
                yield Finding(
                    location=(field, index, "sha256"),
                    found=f"sha256 beside {present[0]}",
                    expected="sha256 only beside a file",
                    at_key=True,
                )


def _workload(data: Mapping[str, Any]) -> Iterator[Finding]:
    work = data.get("workload")
    if not isinstance(work, dict):
        return
    own = "context" in work
    yield from () if own else _unfit(work)
    for key in GENERATED if own else OWN_KEYS:
        if key in work:
            yield Finding(
                location=("workload", key),
                found=f"{key} {'beside' if own else 'without'} context",
                expected="either a generated project (packages, lines, depth, seed) "
                "or your own (context, dockerfile, target, build_args, images)",
                at_key=True,
            )
    if own:
        if items(data, "layouts"):
            yield Finding(
                location=("layouts",),
                found="layouts beside a Dockerfile of your own",
                expected="no layouts: your Dockerfile is built as it is",
                at_key=True,
            )
        if items(data, "toolchains") and not items(data, "bases"):
            yield Finding(
                location=("toolchains",),
                found="toolchains without bases",
                expected="bases that they are put on",
                at_key=True,
            )
    elif not items(data, "bases"):
        yield Finding(
            location=("workload",),
            found="a generated project and no bases",
            expected="bases to build it on",
            at_key=True,
        )


def _unfit(work: Mapping[str, Any]) -> Iterator[Finding]:
    """Numbers of a generated project that do not go together; those not given count too."""
    given = [str(work.get(key, GENERATED[key])) for key in ("packages", "lines", "depth")]
    if not all(re.fullmatch("[0-9]{1,9}", number) for number in given):
        return  # the field's own check says so
    packages, lines, depth = map(int, given)
    least = least_lines(packages)
    if depth > packages:
        yield Finding(
            location=("workload", "depth" if "depth" in work else "packages"),
            found=f"depth {depth}",
            expected=f"at most one for each of the {packages} packages",
        )
    if lines < least:
        yield Finding(
            location=("workload", "lines" if "lines" in work else "packages"),
            found=f"{packages} packages in {lines} lines",
            expected=f"at least {least} lines, or fewer packages",
        )


def _phases(data: Mapping[str, Any]) -> Iterator[Finding]:
    phases = items(data, "phases")
    own = "context" in mapping(data, "workload")
    built_in = OWN_EDITS if own else BUILT_IN_EDITS
    known = tuple(dict.fromkeys((*built_in, *mapping(data, "edits"))))
    if phases and isinstance(phases[0], str) and phases[0] != "cold":
        yield Finding(
            location=("phases", 0),
            found=f"{phases[0]!r} as the first phase",
            expected="'cold': the later builds are compared with it",
        )
    for index, phase in enumerate(phases):
        kind, _, name = phase.partition(":") if isinstance(phase, str) else ("", "", "")
        if kind not in {"edit", "fresh"} or not name:
            continue
        if name not in known:
            yield Finding(
                location=("phases", index),
                found=f"the edit {name!r}",
                expected=f"one of {', '.join(known)}"
                + (", or one of your own under edits" if own else ""),
                known=tuple(f"{kind}:{other}" for other in known),
                typed=phase,
            )
        elif name == "base":
            yield from _movable(data, index)


def _movable(data: Mapping[str, Any], index: int) -> Iterator[Finding]:
    bases = items(data, "bases")
    pulled = [
        name
        for base in bases
        if (name := base_name(base)) is not None and "image" in expanded(base)
    ]
    if pulled or not bases:
        yield Finding(
            location=("phases", index),
            found=f"the edit base with {', '.join(pulled) or 'no base'}",
            expected="bases that the lab makes itself (suite, archive, rootfs): "
            "a registry's image cannot be moved",
        )


def _edits(data: Mapping[str, Any]) -> Iterator[Finding]:
    for name, operations in mapping(data, "edits").items():
        if name in BUILT_IN_EDITS:
            yield Finding(
                location=("edits", name),
                found=f"an edit of your own named {name!r}",
                expected="a name that the lab does not use itself",
                at_key=True,
            )
        for index, operation in enumerate(operations if isinstance(operations, list) else ()):
            if isinstance(operation, dict) and len(operation) != 1:
                yield Finding(
                    location=("edits", name, index),
                    found=f"{len(operation)} operations in one entry",
                    expected="exactly one of replace, append, write, delete, touch, chmod",
                )
