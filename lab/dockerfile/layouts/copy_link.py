"""The toolchain is a layer of its own that does not depend on the base."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.head("copy-link", values)
        + f"\nFROM {values.base} AS build\n"
        + f"COPY --link --from=toolchain {values.source} {goroot}\n"
        + parts.environment(goroot)
        + parts.build_steps()
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="copy-link",
    summary="COPY --link of the toolchain",
    own_place="/opt/go",
    make=make,
)
