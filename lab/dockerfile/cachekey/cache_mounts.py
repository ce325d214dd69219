"""Cache mounts as BuildKit tells them apart: their options in any order, the usual ones unsaid.

Seen on docker 20.10.24, 26.1.5 and 28.5.2 (tests/contract/test_cache_mounts.py). On the newer two
an id and a way of sharing count only as far as they are the usual ones (the target, shared) or are
not: of two others it does not matter which.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

_RUN = re.compile(r"(RUN)((?:\s+--\S+)+)\s+(.*)", re.DOTALL | re.IGNORECASE)
_NAMES = {"dst": "target", "destination": "target", "src": "source", "readonly": "ro"}


@lru_cache(maxsize=4096)
def plain(text: str, *, kinds: bool) -> str:
    """A RUN with its cache mounts in one spelling.

    ``kinds``: of id and sharing it only says whether they are the usual ones. Flags in quotes are
    left as they are.
    """
    match = _RUN.fullmatch(text)
    if match is None:
        return text
    flags = match[2].split()
    mounts = [flag for flag in flags if _is_cache(flag)]
    others = [flag for flag in flags if not _is_cache(flag)]
    spelled = sorted(_spelled(flag, kinds) for flag in mounts)
    return " ".join([match[1], *others, *spelled, match[3]])


def _is_cache(flag: str) -> bool:
    return (
        flag.startswith("--mount=")
        and not {'"', "'", "$"} & set(flag)
        and "type=cache" in flag.removeprefix("--mount=").split(",")
    )


def _spelled(flag: str, kinds: bool) -> str:
    options: dict[str, str] = {}
    for part in flag.removeprefix("--mount=").split(","):
        name, _, value = part.partition("=")
        options[_NAMES.get(name, name)] = value
    target = posixpath.normpath(options.get("target", ""))
    usual = {"id": target, "sharing": "shared"}
    said = {name: options.pop(name, "") or value for name, value in usual.items()}
    if kinds:
        said = {"id": "the usual" if said == usual else "another"}
    return "--mount=" + ",".join(
        f"{name}={value}" for name, value in sorted((options | said).items())
    )
