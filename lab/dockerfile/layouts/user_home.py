"""The toolchain in the home of a user who builds without being root."""

from __future__ import annotations

from lab.dockerfile.layouts import parts
from lab.dockerfile.layouts.recipe import Layout, Recipe, Values

_HOME = "/home/builder"
_USER = "1000:1000"
_FOLDERS = f"{_HOME}/.cache /src /out"


def make(values: Values, goroot: str) -> Recipe:
    """The recipe with GOROOT at ``goroot``."""
    text = (
        parts.head("user-home", values)
        + f"\nFROM {values.base} AS build\n"
        # numbers, because not every base has useradd; builders differ in who owns a new WORKDIR
        + parts.run(f"mkdir -p {_FOLDERS}", f"chown {_USER} {_HOME} {_FOLDERS}")
        + f"ENV HOME={_HOME}\nUSER {_USER}\n"
        + f"COPY --chown={_USER} --from=toolchain {values.source} {goroot}\n"
        + parts.environment(goroot, cache=f"{_HOME}/.cache/go-build")
        + parts.build_steps(owner=f"--chown={_USER} ")
        + parts.runtime(values)
    )
    return Recipe(dockerfile=text, goroot=goroot, marks=("dependencies", "build"))


LAYOUT = Layout(
    name="user-home",
    summary="in the home of the user 1000, who builds",
    own_place="/home/builder/sdk/go",
    make=make,
)
