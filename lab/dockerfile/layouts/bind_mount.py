"""The toolchain is in no layer: each RUN sees it through a mount."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    mount = f"type=bind,from=toolchain,source={values.source},target={goroot}"
    text = (
        parts.head("bind-mount", values)
        + f"\nFROM {values.base} AS build\n"
        + parts.environment(goroot)
        + parts.build_steps([mount])
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="bind-mount",
    summary="RUN --mount=type=bind from the toolchain's stage",
    own_place="/opt/go",
    make=make,
)
