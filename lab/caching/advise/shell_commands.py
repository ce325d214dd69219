"""What a RUN's commands are, as far as they can be read without a shell. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.dockerfile.model import Instruction

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_JOINS = {"&&", ";", "||", "|"}
# Programs that read nothing of a context: package managers, users and groups, and what goes along.
_PACKAGES = frozenset(
    ["apt-get", "apt", "apk", "dnf", "microdnf", "yum", "zypper",
     "useradd", "adduser", "groupadd", "addgroup"]
)  # fmt: skip
_PACKAGE_FILES = (".deb", ".rpm", ".apk")
_ALONG = frozenset({"true", ":", "echo", "sleep", "set"})
# What a known program reads of its environment by itself.
_READ_BY: Mapping[str, re.Pattern[str]] = {
    "go": re.compile(r"GO|CGO_|CC$|CXX$|PKG_CONFIG|GCCGO|AR$|FC$|SOURCE_DATE_EPOCH"),
    **dict.fromkeys(_PACKAGES, re.compile(r"DEB|APT|UCF|DPKG|APK|RPM|DNF|YUM|ZYPP|.*EULA")),
    **dict.fromkeys(_ALONG, re.compile(r"(?!)")),
    "cd": re.compile(r"CDPATH$"),
    **dict.fromkeys(("mkdir", "chmod", "rm", "ln", "touch"), re.compile(r"(?!)")),
}
KNOWN = frozenset(_READ_BY)
# Commands of go that run nothing of the project's: `go test` and `go run` may read anything.
_GO = frozenset({"build", "install", "mod", "version", "env", "list", "get"})
# What programs read that run others' code besides: where files lie, not all that they can read.
_SETTINGS: Mapping[str, re.Pattern[str]] = {
    "go": re.compile(r"C?GO"),
    **dict.fromkeys(
        ("npm", "yarn", "pnpm"), re.compile(r"npm_|yarn_|pnpm_|node_(?!env)", re.IGNORECASE)
    ),
    **dict.fromkeys(("pip", "pip3"), re.compile(r"PIP_")),
    "poetry": re.compile(r"POETRY_"),
    "bundle": re.compile(r"BUNDLE_"),
    "cargo": re.compile(r"CARGO|RUSTUP"),
    "composer": re.compile(r"COMPOSER"),
    "mvn": re.compile(r"MAVEN|MVN"),
}
_READ_BY_ALL = re.compile(
    r"(?:PATH|HOME|USER|SHELL|IFS|ENV|LANG|LANGUAGE|TZ|TMPDIR|LC_.*|LD_.*|XDG_.*|.*_proxy|.*_PROXY|"
    r"SSL_.*|CURL_.*|GIT_.*)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its words, and the variables set for it alone."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The first word."""
        return self.words[0]

    def starts(self, *words: str) -> bool:
        """Whether its first words are these."""
        return self.words[: len(words)] == words


def commands(run: Instruction) -> list[Command] | None:
    """The commands of a RUN in their order; None where only a shell could tell."""
    text = run.operands
    if run.keyword != "RUN" or run.heredocs:
        return None
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            return None
        return [Command(words=tuple(str(word) for word in words))] if words else None
    if re.search(r"`|\$\(|\S#|[(){}<>\n]|(?<!&)&(?!&)", re.sub(r"\$\{\w+\}", "", text)):
        return None
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:  # an open quote
        return None
    return _parted(tokens)


def _parted(tokens: Sequence[str]) -> list[Command] | None:
    found: list[Command] = []
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token not in _JOINS:
            words.append(token)
            continue
        if words:
            found.append(_command(words))
        words = []
    return found if found and all(one.words for one in found) else None


def _command(words: list[str]) -> Command:
    count = next((n for n, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    pairs = (word.partition("=") for word in words[:count])
    return Command(
        words=tuple(words[count:]), environment={name: value for name, _, value in pairs}
    )


def below_cd(run: Instruction) -> tuple[str, list[Command]] | None:
    """The folder that a leading `cd` goes to, empty without one, and the commands that run there.

    None where only a shell could tell.
    """
    found = commands(run)
    if not found or found[0].program != "cd":
        return None if found is None else ("", found)
    first, *rest = found
    plain = len(first.words) == 2 and not first.environment and first.words[1][0] not in "-~"
    if not plain or not rest or "$" in first.words[1] or "|" in run.operands:
        return None
    return first.words[1], rest


def independent(run: Instruction) -> bool:
    """Whether a RUN reads nothing that a COPY to a place of one's own could have brought."""
    found = commands(run)
    if any(mount["type"] == "bind" for mount in run.mounts):
        return False
    if found is None or not any(one.program in _PACKAGES for one in found):
        return False
    return all(_independent(one) for one in found)


def _independent(one: Command) -> bool:
    if one.program == "rm":
        return all(word.startswith(("-", "/var/lib/", "/var/cache/")) for word in one.words[1:])
    if one.program not in _PACKAGES | _ALONG:
        return False
    # a path among the words may be a list that was copied, and so may a package's file
    return one.program in _ALONG or not any(
        ("/" in word or word.endswith(_PACKAGE_FILES)) and not word.startswith("-")
        for word in one.words[1:]
    )


def blind(run: Instruction, names: set[str]) -> bool:
    """Whether a RUN surely reads none of these variables, which its text does not mention."""
    found = commands(run)
    if found is None or any(_READ_BY_ALL.match(name) for name in names):
        return False
    return all(
        one.program in _READ_BY
        and (one.program != "go" or set(one.words[1:2]) <= _GO)
        and not any(_READ_BY[one.program].match(name) for name in names)
        for one in found
    )


def reads_variable(one: Command, name: str) -> bool:
    """Whether a program that fetches dependencies takes a setting from a variable."""
    pattern = _SETTINGS.get(one.program)
    return pattern is not None and pattern.match(name) is not None
