"""GOROOT is a symbolic link to the toolchain."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.head("symlink", values)
        + f"\nFROM {values.base} AS build\n"
        + f"COPY --from=toolchain {values.source} {parts.STAGED}\n"
        + parts.environment(goroot)
        + parts.run('mkdir -p "${GOROOT%/*}"', f'ln -s {parts.STAGED} "$GOROOT"')
        + parts.build_steps()
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="symlink",
    summary="a symbolic link to a copied toolchain",
    own_place="/opt/go",
    make=make,
)
