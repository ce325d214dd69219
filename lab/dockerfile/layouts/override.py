"""A copy of the toolchain elsewhere, and GOROOT points to it."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.head("override", values)
        + f"\nFROM {values.base} AS build\n"
        + f"COPY --from=toolchain {values.source} {goroot}\n"
        + parts.environment(goroot)
        + parts.build_steps()
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="override",
    summary="ENV GOROOT elsewhere, with a copied toolchain",
    own_place="/opt/go",
    make=make,
)
