"""The axes of a scenario and their values, read out of the file's raw data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.images import names
from lab.model import remote_cache
from lab.scenario.finding import items, mapping, texts
from lab.scenario.links import AXIS as LINK_AXIS
from lab.scenario.links import link_name

BASE_KINDS = ("suite", "image", "archive", "rootfs", "local")
TOOLCHAIN_KINDS = ("go", "archive", "base")
FILE_KINDS = ("archive", "rootfs")


def base_name(entry: object) -> str | None:
    """A base's value on its axis: its name, else what its source is called."""
    return _named(entry, BASE_KINDS)


def toolchain_name(entry: object) -> str | None:
    """A toolchain's value on its axis."""
    if isinstance(entry, dict) and "base" in entry and "name" not in entry:
        return "base"
    return _named(entry, TOOLCHAIN_KINDS)


def axis_values(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Every axis of a scenario with its values, in the cells' order."""
    own = "context" in mapping(data, "workload")
    bases = texts(base_name(base) for base in items(data, "bases"))
    tools = texts(toolchain_name(tool) for tool in items(data, "toolchains"))
    layouts = texts(items(data, "layouts"))
    axes = {
        "engine": texts(items(data, "engines")),
        "base": bases or ("own",),
        "toolchain": tools or (("own",) if own else ("base",)),
        "layout": ("own",) if own else layouts or ("default",),
    }
    if caches := texts(items(data, "caches")):
        axes[remote_cache.AXIS] = caches
    if links := texts(map(link_name, items(data, "links"))):
        axes[LINK_AXIS] = links
    if days := texts(items(data, "registries")):
        axes[remote_cache.DAY_AXIS] = days
    for name in mapping(data, "axes"):
        axes.setdefault(name, texts(items(mapping(data, "axes"), name)))
    return axes


def expanded(entry: object) -> Mapping[str, Any]:
    """An entry as a mapping; a string with a separator in it is an image reference."""
    if isinstance(entry, str) and names.suite(entry) is not None and "+" in entry:
        return {"local": entry}
    if isinstance(entry, str):
        return {"image": entry} if re.search(r"[:/@]", entry) else {"suite": entry}
    return entry if isinstance(entry, dict) else {}


def _named(entry: object, kinds: tuple[str, ...]) -> str | None:
    text = entry
    if isinstance(entry, dict):
        text = entry.get("name")
        for kind in kinds:
            if text is None and isinstance(entry.get(kind), str):
                # Of a path, its last part: a name with the whole path in it says less.
                value = entry[kind]
                path = kind in FILE_KINDS or (kind == "local" and not names.held(value))
                text = value.rstrip("/").rpartition("/")[2] if path else value
    if not isinstance(text, str):
        return None
    return re.sub(r"[^a-z0-9._+-]+", "-", text.lower()).strip("-._")[:63] or None
