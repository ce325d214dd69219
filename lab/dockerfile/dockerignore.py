"""The rules of a .dockerignore file, as Docker reads them.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files and
moby/patternmatcher, whose order of decisions this follows: the last pattern that matches a path
or one of the folders above it decides.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from lab.dockerfile.go_patterns import regex
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

    def excludes_on_the_way(self, path: str) -> bool:
        """The same as Docker 28's command decides, which carries answers from folder to folder.

        A pattern that keeps what nothing has left out yet is passed over, and so says nothing of
        what lies below it: ``**/*.md`` and ``!docs`` keep docs/a.md back.
        """
        parts = path.split("/")
        above = [False] * len(self.rules)
        excluded = False
        for count in range(len(parts)):
            name, excluded = "/".join(parts[: count + 1]), False
            for index, rule in enumerate(self.rules):
                asked = not above[index] and rule.keeps == excluded
                above[index] = above[index] or (asked and rule.match.fullmatch(name) is not None)
                if above[index]:
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
            match = re.compile(regex(pattern, deep=True))
        except re.error as exc:
            raise InputError(
                f"{name}:{number}: the pattern {pattern!r} cannot be read: {exc}",
                remedy="close every [ with a ], and put a backslash before what stands for itself",
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
