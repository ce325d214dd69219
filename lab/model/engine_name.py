"""An engine as users name it: ``podman``, ``docker@28``, ``docker@28/containerd``.

    FAMILY                     the host's own program, or whatever answers there
    FAMILY@VERSION[/STORE]     a version out of Debian's archive: all that begins with these numbers
    FAMILY@/PATH[/STORE]       the programs in a root folder of one's own

The whole text is an engine's name wherever one is told: on the axis, in tables, in records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError

REAL = ("docker", "docker-classic", "podman")
FAMILIES = (*REAL, "simulated")  # that one invents its times, and runs no containers
# Docker's two image stores: the graph drivers of old, and containerd's, new installs' since 29.
STORES = ("graph", "containerd")
EXPECTED = f"one of {', '.join(FAMILIES)}, or with a version: docker@28, podman@5.4"
VERSION = r"[0-9]{1,4}(?:\.[0-9]{1,6}){0,3}"
# What a scenario file may say: of a path only what keeps it one word on one line.
PATTERN = (
    rf"(?:{'|'.join(FAMILIES)})|(?:docker(?:-classic)?|podman)@(?:{VERSION}|/[^\s=]{{1,200}})"
    rf"(?:/(?:{'|'.join(STORES)}))?"
)
_TEXT = re.compile(r"([^@]+)(?:@(.*?)(?:/(" + "|".join(STORES) + r"))?)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A parsed name. ``version`` and ``store`` are empty where the name says nothing of them."""

    text: str
    family: str
    version: str = ""
    root: Path | None = None
    store: str = ""

    @property
    def program(self) -> str:
        """Whose API it speaks: "docker" or "podman"."""
        return "podman" if self.family == "podman" else "docker"

    @property
    def chosen(self) -> bool:
        """Whether it is another engine than the host's own."""
        return bool(self.version) or self.root is not None


def parse(text: str) -> Spec:
    """The engine that ``text`` names. Raises InputError."""
    if re.fullmatch(PATTERN, text) is None or (match := _TEXT.fullmatch(text)) is None:
        raise InputError(f"no engine is named {text!r}", remedy=EXPECTED)
    family, which, store = match[1], match[2] or "", match[3] or ""
    if store and family == "podman":
        raise InputError(
            f"{text}: podman has one image store", remedy=f"{family}@{which}, without /{store}"
        )
    if which.startswith("/"):
        return Spec(text=text, family=family, root=Path(which), store=store)
    return Spec(text=text, family=family, version=which, store=store)


def names_engine(text: str) -> bool:
    """Whether a word of the command line, NAME or NAME=ENDPOINT, means an engine."""
    return re.split("[@=]", text, maxsplit=1)[0] in FAMILIES


def family(text: str) -> str:
    """The family of a name out of a record; the name itself where it is no engine's."""
    return text.partition("@")[0]


def runs_containers(text: str) -> bool:
    """Whether the engine of a name is a real one."""
    return family(text) in REAL


def matches(wanted: str, version: str) -> bool:
    """Whether a version begins with the numbers of another: 28.5.2 is a 28, and no 2."""
    numbers = re.match(r"(?:\d+:)?v?([0-9.]+)", version)
    found = numbers[1].split(".") if numbers else []
    parts = wanted.split(".")
    return found[: len(parts)] == parts


def version_in(text: str) -> str:
    """The version that a name states, in numbers; empty where it states none."""
    return found[1] if (found := re.match(rf"[^@]+@({VERSION})", text)) else ""


def identity(text: str, version: str = "") -> tuple[str, str]:
    """The family and the version that rules are asked for; ``version``: what it said of itself.

    Where it said nothing, the name's own numbers stand for the newest that begins so.
    """
    stated = version_in(text)
    return family(text), version or (f"{stated}.9999" if stated else "")
