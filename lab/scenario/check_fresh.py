"""Checks of what a scenario says of fresh engines: phases, caches, lines and limits go together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lab.model import remote_cache
from lab.scenario.finding import Finding, items, mapping, repeated, texts
from lab.scenario.links import link_name
from lab.scenario.model import is_fresh


def findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Fresh engines and the caches that they are given go together."""
    phases, caches = texts(items(data, "phases")), items(data, "caches")
    fresh = next((place for place, name in enumerate(phases) if is_fresh(name)), None)
    if caches and phases and fresh is None:
        yield Finding(
            location=("caches",),
            found="caches without a phase on a fresh engine",
            expected="fresh or fresh:<edit> among the phases",
            at_key=True,
        )
    if fresh is not None and not caches:
        yield Finding(
            location=("phases", fresh),
            found=f"{phases[fresh]!r} without caches",
            expected=f"caches: one or more of {', '.join(remote_cache.STRATEGIES)}",
        )
    if "hand_on" in data and phases and fresh is None:
        yield Finding(
            location=("hand_on",),
            found="hand_on without a phase on a fresh engine",
            expected="fresh or fresh:<edit> among the phases",
            at_key=True,
        )
    if items(data, "registries") and phases and fresh is None:
        yield Finding(
            location=("registries",),
            found="registries without a phase on a fresh engine",
            expected="fresh or fresh:<edit> among the phases",
            at_key=True,
        )
    yield from _links(data, fresh=fresh is not None or not phases)
    for name in mapping(data, "controls") if fresh is not None else ():
        if name in {"cpus", "disk", "memory"}:
            yield Finding(
                location=("controls", name),
                found=f"{name} beside phases on fresh engines",
                expected="no limits of one engine: each fresh build has an engine of its own",
                at_key=True,
            )


def _links(data: Mapping[str, Any], *, fresh: bool) -> Iterator[Finding]:
    """Lines that nothing passes over, of the same name, or that let nothing pass."""
    entries = items(data, "links")
    if entries and not fresh:
        yield Finding(
            location=("links",),
            found="links without a phase on a fresh engine",
            expected="fresh or fresh:<edit> among the phases",
            at_key=True,
        )
    yield from repeated(("links",), [(place, link_name(one)) for place, one in enumerate(entries)])
    for place, one in enumerate(entries):
        for way in ("down", "up"):
            rate = one.get(way) if isinstance(one, dict) else None
            if isinstance(rate, str) and re.match(r"[0.]+[kMGTB]", rate):
                yield Finding(
                    location=("links", place, way),
                    found=f"{rate} a second",
                    expected="more than nothing; leave it out where the line is no limit",
                )
