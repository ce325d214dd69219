"""Images that a builder finished after the lab had left it: found by what they stand on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from lab.dockerfile.model import Dockerfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An image of an engine: ids without their algorithm; ``named``: somebody named it."""

    id: str
    parent: str
    named: bool


def bare(identity: str) -> str:
    """An id without its algorithm."""
    return identity.removeprefix("sha256:")


def steps(dockerfile: Dockerfile) -> frozenset[str]:
    """How the history of an image reads that one of these instructions made."""
    return frozenset(
        f"-c {_plain(one.operands)}" if one.keyword == "RUN" else f"#(nop) {one.keyword} "
        for one in dockerfile.instructions
    )


def strays(
    held: Iterable[Held],
    before: Collection[str],
    known: Iterable[str],
    steps: Collection[str],
    made_by: Callable[[str], str],
) -> set[str]:
    """Ids of images without a name that were not there ``before``, and that one of our ``steps``
    made on an image that is ``known`` to be ours, or to be a base of our builds.

    Ids that are known may be shortened. ``made_by`` tells the last step of an image's history.
    """
    ends = tuple(one for one in steps if one.startswith("-c "))
    others = [one for one in steps if not one.startswith("-c ")]

    def ours(identity: str) -> bool:
        text = _plain(made_by(identity)) + " "
        return text[:-1].endswith(ends) or any(one in text for one in others)

    grown, found = tuple(known), set[str]()
    waiting: Mapping[str, Held] = {
        one.id: one for one in held if not one.named and one.parent and one.id not in before
    }
    while on := {
        key
        for key, one in waiting.items()
        if key not in found and one.parent.startswith(grown) and ours(key)
    }:
        found |= on
        grown += tuple(on)
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())
