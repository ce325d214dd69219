"""Go's build cache is kept between builds, outside of the layers."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    mount = f"type=cache,id=lab-{values.cache_id},target={parts.BUILD_CACHE}"
    text = (
        parts.build_on_toolchain("cache-mount", values)
        + parts.environment(goroot)
        # a link only where the edit of GOROOT asks for another place
        + parts.run(f'test -x "$GOROOT/bin/go" || ln -s {values.source}/. "$GOROOT"')
        + parts.build_steps([mount])
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="cache-mount",
    summary="GOCACHE kept in a cache mount",
    own_place="/usr/local/go",
    make=make,
    in_place=True,
)
