"""What a seccomp profile says of a system call: read from its JSON, without a kernel.

Two forms are read: Docker's and Podman's profiles (rules with includes and excludes), and the
resolved one of a container's runtime configuration.
https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

from lab.model.errors import InputError
from lab.validate.probes.results import error_name
from lab.validate.probes.syscall_table import TABLE, version

_ALLOWS = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"}
_KILLS = {"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"}
_EPERM = 1  # what SCMP_ACT_ERRNO means where the profile names no number
# The first argument of the probe's own call, where profiles read it.
_ARGUMENTS: Mapping[str, tuple[int, ...]] = {"clone": (17, 0, 0, 0, 0, 0)}
_KERNEL = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}")
_ARCHITECTURES = {"amd64", "SCMP_ARCH_X86_64", "x86_64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the profile lets a call answer: allowed, an errno, killed, or another word."""

    word: str
    why: str

    @property
    def allowed(self) -> bool:
        return self.word == "allowed"


def read(path: Path) -> dict[str, Any]:
    """A profile file. Raises InputError where it cannot be read or is no profile."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read the seccomp profile {path}: {error}",
            remedy="name a JSON file by --seccomp, as docker and podman take it",
        ) from error
    return parse(text, str(path))


def parse(text: str, what: str) -> dict[str, Any]:
    """A profile's JSON, its shape checked once."""
    try:
        found = dict(json.loads(text))
        wrong = next(_misshapen(found), None)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _bad(what, repr(error)) from error
    if wrong is not None:
        raise _bad(what, wrong)
    return found


def _misshapen(found: Mapping[str, Any]) -> Iterator[str]:
    """Values of another type than the engines' own reader takes. May raise, as a walk does."""
    yield from _of_type(found["defaultAction"], str, "defaultAction")
    yield from _of_type(found.get("defaultErrnoRet"), int | None, "defaultErrnoRet")
    for rule in found.get("syscalls") or ():
        yield from _of_type(rule["action"], str, "action")
        yield from _of_type(rule.get("errnoRet"), int | None, "errnoRet")
        for name in _names(rule):
            yield from _of_type(name, str, "names")
        for condition in rule.get("args") or ():
            yield from _of_type(condition["op"], str, "op")
            for key in ("index", "value", "valueTwo"):
                yield from _of_type(condition.get(key), int | None, key)
        for side in ("includes", "excludes"):
            filters = rule.get(side) or {}
            if not _KERNEL.match(filters.get("minKernel") or "0.0"):
                yield f"its minKernel is {filters['minKernel']!r}"
            for key in ("arches", "caps"):
                for word in filters.get(key) or ():
                    yield from _of_type(word, str, key)


def _of_type(value: object, kind: type[object] | UnionType, name: str) -> Iterator[str]:
    if not isinstance(value, kind):
        yield f"its {name} is {json.dumps(value)[:40]}"


def _bad(what: str, why: str) -> InputError:
    return InputError(
        f"{what} is not a seccomp profile: {why}",
        remedy='it is JSON with "defaultAction" and "syscalls", as docker and podman take it',
    )


def predict(
    profile: Mapping[str, Any],
    *,
    capabilities: Collection[str] = (),
    kernel: str = "999.0",
) -> dict[str, Prediction]:
    """What the profile says of each call of the table.

    ``capabilities`` are the container's (CAP_...), ``kernel`` the one the engine runs on: rules
    can depend on both.
    """
    rules = [
        rule
        for rule in profile.get("syscalls") or ()
        if _applies(rule, frozenset(capabilities), kernel)
    ]
    default = _outcome(profile["defaultAction"], profile.get("defaultErrnoRet"), "its default")
    return {name: _of(name, rules, default) for name in TABLE}


def _of(name: str, rules: Sequence[Mapping[str, Any]], default: Prediction) -> Prediction:
    """libseccomp lets a rule without conditions on arguments win over one with conditions."""
    mine = [rule for rule in rules if name in _names(rule)]
    plain = [rule for rule in mine if not rule.get("args")]
    for rule in plain[:1]:
        return _outcome(rule["action"], rule.get("errnoRet"), "a rule names it")
    for rule in mine:
        if name not in _ARGUMENTS:
            return Prediction(word="depends", why="a rule looks at its arguments")
        if all(_holds(condition, _ARGUMENTS[name]) for condition in rule["args"]):
            return _outcome(rule["action"], rule.get("errnoRet"), "a rule names its arguments")
    return default


def _outcome(action: str, number: int | None, why: str) -> Prediction:
    if action in _ALLOWS:
        return Prediction(word="allowed", why=why)
    if action in _KILLS:
        return Prediction(word="killed", why=why)
    if action == "SCMP_ACT_ERRNO":
        return Prediction(word=error_name(_EPERM if number is None else number), why=why)
    return Prediction(word=action, why=why)


def _applies(rule: Mapping[str, Any], capabilities: frozenset[str], kernel: str) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    arches = includes.get("arches") or ()
    if arches and not _ARCHITECTURES & set(arches):
        return False
    if _ARCHITECTURES & set(excludes.get("arches") or ()):
        return False
    if not set(includes.get("caps") or ()) <= capabilities:
        return False
    if set(excludes.get("caps") or ()) & capabilities:
        return False
    least = includes.get("minKernel")
    return not least or version(kernel) >= version(str(least))


def _holds(condition: Mapping[str, Any], arguments: Sequence[int]) -> bool:
    index, value, two = (condition.get(key) or 0 for key in ("index", "value", "valueTwo"))
    given = arguments[index] if 0 <= index < len(arguments) else 0
    outcomes: dict[str, bool] = {
        "SCMP_CMP_EQ": given == value,
        "SCMP_CMP_NE": given != value,
        "SCMP_CMP_LT": given < value,
        "SCMP_CMP_LE": given <= value,
        "SCMP_CMP_GT": given > value,
        "SCMP_CMP_GE": given >= value,
        "SCMP_CMP_MASKED_EQ": given & value == two,
    }
    return outcomes.get(str(condition["op"]), False)


def _names(rule: Mapping[str, Any]) -> list[Any]:
    return list(rule.get("names") or ([rule["name"]] if "name" in rule else []))
