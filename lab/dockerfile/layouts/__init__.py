"""The GOROOT layouts: one small recipe each, from a scenario's values to a Dockerfile."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from lab.dockerfile.layouts import (
    bind_mount,
    cache_mount,
    copy_link,
    default,
    hardlink,
    override,
    symlink,
    tmpfs,
    tmpfs_volume,
    user_home,
)
from lab.dockerfile.layouts.recipe import TOOLCHAIN, Container, Layout, Recipe, Values
from lab.model.errors import InputError

__all__ = ["LAYOUTS", "TOOLCHAIN", "Container", "Layout", "Recipe", "Values", "render"]

_MODULES = (
    default,
    override,
    user_home,
    symlink,
    hardlink,
    bind_mount,
    cache_mount,
    copy_link,
    tmpfs,
    tmpfs_volume,
)
LAYOUTS: Mapping[str, Layout] = {module.LAYOUT.name: module.LAYOUT for module in _MODULES}


def render(name: str, values: Values) -> Recipe:
    """The recipe of the layout with this name. Raises InputError for an unknown one."""
    if name not in LAYOUTS:
        near = difflib.get_close_matches(name, LAYOUTS, 1)
        raise InputError(
            f"no layout is named {name!r}",
            remedy=f"did you mean {near[0]!r}?" if near else f"they are: {', '.join(LAYOUTS)}",
        )
    return LAYOUTS[name].render(values)
