"""The rules of a .dockerignore file, as Docker reads them.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files and
moby/patternmatcher, whose order of decisions this follows: the last pattern that matches a path
or one of the folders above it decides.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from lab.model.errors import InputError

NAME = ".dockerignore"
_WILD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    match: re.Pattern[str]
    keeps: bool
    literal: str  # the part of the pattern before its first wildcard segment


@dataclass(frozen=True, slots=True)
class Ignore:
    """The patterns of one file, in their order."""

    rules: tuple[_Rule, ...] = ()

    def excludes(self, path: str) -> bool:
        """Whether the relative slash-separated path stays out of the context."""
        parts = path.split("/")
        names = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        excluded = False
        for rule in self.rules:
            if rule.keeps == excluded and any(map(rule.match.fullmatch, names)):
                excluded = not rule.keeps
        return excluded

    def may_keep_below(self, folder: str) -> bool:
        """Whether an excluded folder can still hold something that a ``!`` pattern keeps."""
        return any(
            rule.keeps
            and (
                f"{rule.literal}/".startswith(f"{folder}/")
                or f"{folder}/".startswith(f"{rule.literal}/")
                or not rule.literal
            )
            for rule in self.rules
        )


def parse(text: str, *, name: str = NAME) -> Ignore:
    """Read the file. Raises InputError with the line of a pattern that cannot be."""
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        keeps = pattern.startswith("!")
        pattern = pattern[1:].strip() if keeps else pattern
        if not pattern:
            raise InputError(
                f"{name}:{number}: '!' stands alone", remedy="write the pattern to keep after it"
            )
        pattern = posixpath.normpath(pattern).lstrip("/") or "."
        try:
            match = re.compile(_regex(pattern))
        except re.error as exc:
            raise InputError(
                f"{name}:{number}: the pattern {pattern!r} cannot be read: {exc}",
                remedy="close every [ with a ], or put a backslash before it",
            ) from exc
        rules.append(_Rule(match=match, keeps=keeps, literal=_literal(pattern)))
    return Ignore(tuple(rules))


def _literal(pattern: str) -> str:
    plain = []
    for part in pattern.split("/"):
        if _WILD.search(part):
            break
        plain.append(part)
    return "/".join(plain)


def _regex(pattern: str) -> str:
    out = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if pattern.startswith("**", at - 1):
            at += 1
            at += pattern.startswith("/", at)  # ** and **/ mean the same
            out.append(".*" if at == len(pattern) else "(?:.*/)?")
        elif char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, at = _char_class(pattern, at)
            out.append(text)
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _char_class(pattern: str, at: int) -> tuple[str, int]:
    """A [class] from after its bracket: as a regular expression, and the place after it."""
    out = ["["]
    if pattern.startswith("^", at):
        out.append("^")
        at += 1
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "]" and out[-1] not in {"[", "^"}:
            return "".join([*out, "]"]), at
        if char == "-":
            # As it stands only where it makes a range: Python gives "--" a meaning of its own.
            out.append("\\-" if out[-1] in {"[", "^", "-"} else "-")
            continue
        if char == "\\" and at < len(pattern):
            char = pattern[at]
            at += 1
        out.append(re.escape(char))
    raise re.error("a [ is not closed")
