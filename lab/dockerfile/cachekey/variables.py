"""Variables of a Dockerfile: which are in force at an instruction, and with which values.

Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from platform import machine

from lab.dockerfile.cachekey.inputs import Variable
from lab.dockerfile.model import Instruction

_NAMED = re.compile(r"(?<!\\)\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})")
_SECRET = re.compile(r"token|passw|secret|credential|api_?key|private_?key", re.IGNORECASE)
# Known only while this process lives: what it hides cannot be guessed from what is on disk.
_SALT = secrets.token_bytes(32)
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


@dataclass(slots=True)
class Scope:
    """The variables in force in one stage, as far as it has been read.

    ``platform`` are the arguments that have a value wherever they are declared.
    """

    env: dict[str, Variable] = field(default_factory=dict)
    args: dict[str, Variable] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, Variable]:
        """Every variable by its name: an ENV goes before an ARG."""
        return self.args | self.env

    def expand(self, text: str) -> str:
        """The text with its variables filled in."""
        return expand(text, {name: one.value for name, one in self.all.items()})

    def declare(
        self, instruction: Instruction, given: Mapping[str, str], before: Mapping[str, str]
    ) -> None:
        """An ARG: ``given`` are the build's arguments, ``before`` those of the file's head."""
        for name, default in assignments(instruction.operands, bare=True):
            known = before.get(name, self.platform.get(name))
            raw = given.get(name, known if default is None else default)
            if raw is not None:
                value = raw if name in given else self.expand(raw)
                self.args[name] = hidden(name, Variable(kind="ARG", value=value, raw=raw))

    def set(self, instruction: Instruction) -> None:
        """An ENV. All its values are filled in before any of them takes effect."""
        found = {
            name: hidden(name, Variable(kind="ENV", value=self.expand(raw or ""), raw=raw or ""))
            for name, raw in assignments(instruction.operands)
        }
        for name, one in found.items():  # the last one set stands last: their order counts too
            self.env.pop(name, None)
            self.env[name] = one


def of_platform(platform: str | None) -> dict[str, str]:
    """What a builder knows of the platforms, as os/architecture; this machine's for None.

    Source: https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
    """
    here = f"linux/{_GO_NAMES.get(machine(), machine())}"
    target = platform or here
    return {
        name: value
        for prefix, whole in (("TARGET", target), ("BUILD", here))
        for name, value in zip(
            (f"{prefix}PLATFORM", f"{prefix}OS", f"{prefix}ARCH"),
            (whole, *whole.split("/")[:2]),
            strict=False,
        )
    }


def hidden(name: str, variable: Variable) -> Variable:
    """A secret's value never goes in: a mark tells two values of one run apart, and no more."""
    if not _SECRET.search(name):
        return variable
    mark = blake2b(variable.value.encode(errors="replace"), key=_SALT, digest_size=4).hexdigest()
    return Variable(kind=variable.kind, value=f"(secret {mark})", raw=f"(secret {mark})")


@lru_cache(maxsize=4096)  # every build that is explained needs them
def assignments(operands: str, *, bare: bool = False) -> tuple[tuple[str, str | None], ...]:
    """The names and texts that an ENV or (``bare``) an ARG gives; None: a name alone."""
    first = operands.split(None, 1)
    if not bare and len(first) == 2 and "=" not in first[0]:
        return ((first[0], first[1]),)  # the old form: ENV NAME the rest of the line
    try:
        words = shlex.split(operands)
    except ValueError:  # an open quote: the engine will refuse it
        words = operands.split()
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        found.append((name, value if equals else None))
    return tuple(found)


def names(text: str) -> tuple[str, ...]:
    """The variables that a text mentions."""
    return tuple(dict.fromkeys(match[1] or match[2] for match in _NAMED.finditer(text)))


def named(text: str, arguments: Mapping[str, str]) -> dict[str, Variable]:
    """Those arguments of the file's head that a FROM names."""
    return {
        name: hidden(name, Variable(kind="ARG", value=arguments[name], raw=arguments[name]))
        for name in names(text)
        if name in arguments
    }


def expand(text: str, values: Mapping[str, str]) -> str:
    """Variables replaced by their values; one that is not set by nothing."""

    def value(match: re.Match[str]) -> str:
        name, operator, other = match[1] or match[2], match[3] or "", match[4] or ""
        known = values.get(name)
        there = bool(known) if operator.startswith(":") else known is not None
        if operator.endswith("+"):
            return other if there else ""
        if operator.endswith("-") and not there:
            return other
        return known or ""

    return _NAMED.sub(value, text)
