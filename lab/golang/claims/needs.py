"""What a claim can need of a host, and whether this one has it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def mistake(need: str) -> str | None:
    """What was expected in place of a need; None where the lab knows how to look for it."""
    word, _, rest = need.partition(" ")
    if word not in _LOOKS:
        return f"one of {', '.join(_LOOKS)}"
    return f"{word}{_AFTER[word][1]}" if not re.fullmatch(_AFTER[word][0], rest) else None


def lacking(needs: Sequence[str]) -> str | None:
    """What this host lacks of all that is needed, in words; None where it has it all.

    Each need is one of which `mistake` says nothing.
    """
    reasons = []
    for need in needs:
        word, _, rest = need.partition(" ")
        if (why := _LOOKS[word](rest)) is not None:
            reasons.append(why)
    return "; ".join(reasons) or None


def _nvme(_: str) -> str | None:
    there = any(Path("/sys/block").glob("nvme*"))
    return None if there else "this host has no NVMe disk"


def _kubernetes(_: str) -> str | None:
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "the lab does not run its experiments on a cluster"
    return "this host is on no Kubernetes cluster"


def _kernel(version: str) -> str | None:
    own = platform.release()
    matches = own == version or own.startswith((f"{version}.", f"{version}-"))
    return None if matches else f"this host's kernel is {own}, not {version}"


def _cpus(count: str) -> str | None:
    own = os.cpu_count() or 0
    return None if own >= int(count) else f"this host has {own} processors, not {count}"


def _root(_: str) -> str | None:
    return None if os.geteuid() == 0 else "it needs root"


_LOOKS: Mapping[str, Callable[[str], str | None]] = {
    "nvme": _nvme,
    "kubernetes": _kubernetes,
    "kernel": _kernel,
    "cpus": _cpus,
    "root": _root,
}
# What stands behind the word, and how that is shown.
_AFTER: Mapping[str, tuple[str, str]] = {
    "nvme": ("", ""),
    "kubernetes": ("", ""),
    "kernel": (r"\d+\.\d+(\.\d+)?(-[\w.-]+)?", " and its version, such as kernel 5.15"),
    "cpus": (r"[1-9]\d{0,5}", " and their number, such as cpus 28"),
    "root": ("", ""),
}
