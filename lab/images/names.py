"""The names that a user has for an image: a suite, with or without Go, or what an engine holds."""

from __future__ import annotations

import re
from difflib import get_close_matches

SUITES = ("bullseye", "bookworm", "trixie", "sid")
FORMS = (
    "a suite such as bookworm or bookworm+go1.22.10, a path, or what an engine holds: docker:NAME, "
    "podman:NAME"
)
_SUITE = re.compile(r"([a-z][a-z0-9-]{0,31})(?:\+go(\d+(?:\.\d+)*\S*))?")
# skopeo's words for the same two places are taken too.
_HELD = re.compile(r"(?P<place>docker|docker-daemon|podman|containers-storage):(?P<ref>[^:/].*)")
_ENGINES = {"docker-daemon": "docker", "containers-storage": "podman"}


def held(text: str) -> tuple[str, str] | None:
    """Engine and image of ``docker:NAME``, ``podman:NAME``; None where it is neither."""
    match = _HELD.fullmatch(text)
    return None if match is None else (_ENGINES.get(match["place"], match["place"]), match["ref"])


def suite(text: str) -> tuple[str, str | None] | None:
    """A suite and the Go version on it, of ``bookworm`` or ``bookworm+go1.22.10``; None of what
    has no such form. Whether there is such a suite, its mirror decides.
    """
    match = _SUITE.fullmatch(text)
    return None if match is None else (match[1], match[2])


def meant(text: str) -> str | None:
    """The name with a known suite, where it is written almost as that one is."""
    word, plus, go = text.partition("+")
    near = get_close_matches(word.lower(), SUITES, n=1, cutoff=0.7)
    return near[0] + plus + go if near and near[0] != word else None
