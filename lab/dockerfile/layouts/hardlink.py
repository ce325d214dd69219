"""GOROOT is a tree of hard links to the toolchain's files."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    # One RUN makes the copy and the links: between layers a link would be a copy again.
    linked = " && ".join(
        (
            'mkdir -p "${GOROOT%/*}"',
            f"cp -a {values.source} {parts.STAGED}",
            f'cp -al {parts.STAGED} "$GOROOT"',
        )
    )
    text = (
        parts.build_on_toolchain("hardlink", values)
        + parts.environment(goroot)
        + parts.run(*parts.timed("staging", linked))
        + parts.build_steps()
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("staging", "dependencies", "build"))


LAYOUT = Layout(
    name="hardlink",
    summary="hard links to a copied toolchain, in one layer",
    own_place="/opt/go",
    make=make,
)
