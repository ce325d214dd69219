"""A container of the built image has a tmpfs at GOROOT, stages Go into it and builds."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Container, Layout, Recipe, Values

_SIZE = 1024 * 1024 * 1024  # a toolchain has 200 to 250 MB; a tmpfs takes only what lies in it


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.head("tmpfs-volume", values)
        + f"\nFROM {values.base} AS build\n"
        + f"COPY --from=toolchain {values.source} {parts.STAGED}\n"
        + parts.environment(goroot)
        + parts.run('mkdir -p "$GOROOT" /out')
        + parts.before_sources()
        + parts.sources()
        + "ENV VERSION=$VERSION\n"
    )
    steps = (
        # a toolchain staged onto the disk would be measured as one in memory
        'grep -q " $GOROOT tmpfs " /proc/mounts || { echo "no tmpfs at $GOROOT"; exit 1; }',
        " && ".join(
            (
                *parts.timed("staging", f'cp -a {parts.STAGED}/. "$GOROOT/"'),
                *parts.timed("dependencies", parts.DEPENDENCIES),
                *parts.timed("build", parts.COMPILE),
                "/out/app",
            )
        ),
    )
    return Recipe(
        dockerfile=text,
        goroot=goroot,
        target="build",
        marks=("staging", "dependencies", "build"),
        container=Container(command=("sh", "-c", "\n".join(steps)), tmpfs={goroot: _SIZE}),
    )


LAYOUT = Layout(
    name="tmpfs-volume",
    summary="a container with a tmpfs at GOROOT stages and builds",
    own_place="/opt/go",
    make=make,
)
