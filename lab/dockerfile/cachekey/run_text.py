"""A RUN as BuildKit tells it apart: what it executes, and its mounts in one spelling.

Seen on docker 20.10.24, 26.1.5 and 28.5.2 (docs/cache-matrix.md). The shell form is the list of the
shell and the command. A mount's options count in any order; of a mount from a stage what it shows
counts, not the stage's name. Of cache mounts the order does not count, and the usual options may
be unsaid; on the newer two an id and a way of sharing count only as far as they are the usual ones
(the target, shared) or are not: of two others it does not matter which.
"""

from __future__ import annotations

import json
import posixpath
import re
from functools import lru_cache

USUAL_SHELL = ["/bin/sh", "-c"]
_RUN = re.compile(r"(RUN)((?:\s+--\S+)*)\s+(.*)", re.DOTALL | re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?(['\"]?)\w+\1(?=\n)")  # one alone: its name is not in the script
_NAMES = {"dst": "target", "destination": "target", "src": "source", "readonly": "ro"}


@lru_cache(maxsize=4096)
def plain(text: str, *, kinds: bool) -> str:
    """A RUN in one spelling.

    ``kinds``: of a cache mount's id and sharing it only says whether they are the usual ones. Flags
    in quotes are left as they are.
    """
    match = _RUN.fullmatch(text)
    if match is None:
        return text
    flags = [_flag(flag, kinds) for flag in match[2].split()]
    cached = sorted(flag for flag in flags if _is_cache(flag))
    others = [flag for flag in flags if not _is_cache(flag) and flag != "--network=default"]
    return " ".join([match[1].upper(), *others, *cached, _command(match[3])])


def is_usual_shell(operands: str) -> bool:
    """Whether a SHELL sets what is in force without it."""
    return _words(operands) == USUAL_SHELL


def _command(text: str) -> str:
    """A list of the usual shell and its command is that command; other lists have one spelling."""
    words = _words(text)
    if words is None:
        return _HEREDOC.sub("<<", text, count=1) if text.startswith("<<") else text
    if words[:-1] == USUAL_SHELL:
        return words[-1]
    return json.dumps(words)


def _words(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    there = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if there else None


def _flag(flag: str, kinds: bool) -> str:
    if not flag.startswith("--mount=") or {'"', "'", "$"} & set(flag):
        return flag
    options = {"type": "bind"}
    for part in flag.removeprefix("--mount=").split(","):
        name, _, value = part.partition("=")
        options[_NAMES.get(name, name)] = value
    if options["type"] == "cache":
        options = _cache(options, kinds)
    elif "from" in options:
        options["from"] = "*"  # what it shows is a part of the key by itself
    return "--mount=" + ",".join(f"{name}={value}" for name, value in sorted(options.items()))


def _is_cache(flag: str) -> bool:
    return flag.startswith("--mount=") and "type=cache" in flag.split(",")


def _cache(options: dict[str, str], kinds: bool) -> dict[str, str]:
    target = posixpath.normpath(options.get("target", ""))
    usual = {"id": target, "sharing": "shared"}
    said = {name: options.pop(name, "") or value for name, value in usual.items()}
    if kinds:
        said = {"id": "the usual" if said == usual else "another"}
    return options | said
