"""The toolchain is staged into memory within the step that builds."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values

_SEEN = "/mnt/lab-toolchain"


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    mounts = (
        f"type=bind,from=toolchain,source={values.source},target={_SEEN}",
        f"type=tmpfs,target={goroot}",
    )
    # What is in memory is gone after its RUN: one RUN stages and builds everything.
    text = (
        parts.head("tmpfs", values)
        + f"\nFROM {values.base} AS build\n"
        + parts.environment(goroot)
        + parts.before_sources()
        + parts.sources()
        + parts.run(
            *parts.timed("staging", f'cp -a {_SEEN}/. "$GOROOT/"'),
            *parts.timed("dependencies", parts.DEPENDENCIES),
            *parts.timed("build", parts.COMPILE),
            mounts=mounts,
        )
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("staging", "dependencies", "build"))


LAYOUT = Layout(
    name="tmpfs",
    summary="RUN --mount=type=tmpfs, staged within the step",
    own_place="/opt/go",
    make=make,
)
