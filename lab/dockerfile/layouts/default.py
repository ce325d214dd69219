"""Go where the base has it, and GOROOT says so."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.build_on_toolchain("default", values)
        + parts.environment(goroot)
        # a link only where the edit of GOROOT asks for another place
        + parts.run(f'test -x "$GOROOT/bin/go" || ln -s {values.source}/. "$GOROOT"')
        + parts.build_steps()
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="default",
    summary="the base's own place, stated",
    own_place="/usr/local/go",
    make=make,
    in_place=True,
)
