"""What a worker states of its host, and whether that is what a scenario asks for."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lab import __version__
from lab.engines import open_engine
from lab.host import facts as host
from lab.host import process
from lab.model import engine_name

# System V's levels of x86-64: what each adds, as /proc/cpuinfo has it (the psABI's table 3.1).
_LEVELS = (
    {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
    {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
    {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
)


def here(
    name: str | None, engines: Mapping[str, str | None], sites: Sequence[str], slots: int
) -> dict[str, Any]:
    """This host's facts; each engine is opened once to know its version and its store."""
    known = host.facts(Path())
    return {
        "name": name or socket.gethostname(),
        "lab": __version__,
        "host": asdict(known),
        "cpu_level": cpu_level(Path("/proc/cpuinfo").read_text(errors="replace")),
        "sites": list(sites),
        "slots": slots,
        "engines": [_engine(*one) for one in engines.items()],
    }


def installed() -> dict[str, str | None]:
    """The engines whose programs this host has, and the simulated one."""
    programs = {"docker": "dockerd", "docker-classic": "dockerd", "podman": "podman"}
    found = [name for name in engine_name.REAL if process.found(programs[name])]
    return dict.fromkeys([*found, *engine_name.FAMILIES[-1:]])


def _engine(name: str, endpoint: str | None) -> dict[str, Any]:
    with closing(open_engine(name, endpoint)) as engine:
        return asdict(engine.facts())


def cpu_level(cpuinfo: str) -> int | None:
    """1 to 4 for x86-64-v1 to v4; None on another processor."""
    match = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    if match is None or "lm" not in (flags := set(match[1].split())):
        return None
    level = 1
    for wanted in _LEVELS:
        if not wanted <= flags:
            break
        level += 1
    return level


def unmet(where: Mapping[str, str], facts: Mapping[str, Any]) -> list[str]:
    """What a scenario asks for and a worker is not, each in words."""
    stated = {name: _values(name, facts) for name in where}
    return [
        f"{name} is {', '.join(map(str, stated[name])) or 'not known'}, asked for: {wanted}"
        for name, wanted in where.items()
        if not any(_holds(name, wanted, value) for value in stated[name])
    ]


def _values(name: str, facts: Mapping[str, Any]) -> list[Any]:
    told = facts["host"]
    if name == "engine":
        return [f"{one['name'].partition('@')[0]}@{one['version']}" for one in facts["engines"]]
    if name == "site":
        return list(facts["sites"])
    found = {
        "host": facts["name"],
        "cpu": told["cpu_model"],
        "cpu_level": facts["cpu_level"],
        "cores": told["cpus"],
    }
    value = found[name] if name in found else told[name]
    return [] if value is None else [value]


def _holds(name: str, wanted: str, value: Any) -> bool:
    if name == "engine":
        family, _, version = wanted.partition("@")
        own, _, told = str(value).partition("@")
        return own == family and (not version or engine_name.matches(version, told))
    compared = re.fullmatch(r"(>=|<=|>|<|==?)\s*v?([0-9][0-9.]*)", wanted)
    if compared is None:
        return fnmatchcase(str(value).lower(), wanted.lower())
    mine, other = _numbers(str(value)), _numbers(compared[2])
    size = max(len(mine), len(other)) if compared[1] not in ("=", "==") else len(other)
    mine, other = ([*one, *[0] * size][:size] for one in (mine, other))
    return {
        ">=": mine >= other,
        "<=": mine <= other,
        ">": mine > other,
        "<": mine < other,
    }.get(compared[1], mine == other)


def _numbers(text: str) -> list[int]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return [int(one) for one in found[0].split(".")] if found else []


def lacking(cell_engine: str, facts: Mapping[str, Any]) -> list[str]:
    """Why a worker cannot build on an engine: it states those that it has."""
    names = [one["name"] for one in facts["engines"]]
    return [] if cell_engine in names else [f"it has no {cell_engine}, but {', '.join(names)}"]


def same_lab(facts: Mapping[str, Any]) -> list[str]:
    """Why a worker's lab cannot read what this one sends."""
    found = facts["lab"]
    return [] if found == __version__ else [f"its lab is {found}, this one's {__version__}"]
