"""The pieces that the layouts share. Every text works in dash and on every builder.

Seconds come from /proc/uptime: it is monotonic, every base has it, and reading it starts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.dockerfile.layouts.recipe import Values

STAGED = "/opt/lab-toolchain"
BUILD_CACHE = "/var/cache/lab-go-build"
DEPENDENCIES = "cd /src/third_party/dep && go build -trimpath ./..."
COMPILE = 'cd /src && go build -trimpath -ldflags "-X main.version=$VERSION" -o /out/app ./cmd/app'

_ENVIRONMENT = """\
ENV GOROOT={goroot}
ENV PATH=$GOROOT/bin:$PATH
ENV GOTOOLCHAIN=local
ENV GOFLAGS=-mod=mod
ENV CGO_ENABLED=0
ENV GOCACHE={cache}
"""
_BEFORE_SOURCES = """\
WORKDIR /src
COPY {owner}go.mod ./
COPY {owner}third_party ./third_party
"""
# Folders by name, not `COPY . .`: the Dockerfile lies in the context too, and a change of its text
# must not count as a change of the sources.
_SOURCES = """\
ENV LAB_SETTING=0
COPY {owner}internal ./internal
COPY {owner}cmd ./cmd
ARG VERSION=dev
"""
_RUNTIME = """
FROM {base} AS runtime
COPY --from=build /out/app /usr/local/bin/app
CMD ["/usr/local/bin/app"]
"""


def head(layout: str, values: Values) -> str:
    """The opening comment and the stage that holds the toolchain, to be copied or mounted from."""
    return f"{_title(layout, values)}FROM {values.toolchain} AS toolchain\n"


def build_on_toolchain(layout: str, values: Values) -> str:
    """The opening comment and a build stage that stands on the toolchain itself.

    Not `FROM toolchain AS build` on a stage of its own: Podman 4 commits a stage without steps
    anew in every build, and then nothing that stands on it is ever taken from the cache.
    """
    return f"{_title(layout, values)}FROM {values.toolchain} AS build\n"


def _title(layout: str, values: Values) -> str:
    version = f", Go {values.go_version}" if values.go_version else ""
    return f"# GOROOT layout: {layout}{version}\n"


def environment(goroot: str, cache: str = BUILD_CACHE) -> str:
    """What the go command must know, stated."""
    return _ENVIRONMENT.format(goroot=goroot, cache=cache)


def before_sources(owner: str = "") -> str:
    """What rarely changes: the module's file and its dependency."""
    return _BEFORE_SOURCES.format(owner=owner)


def sources(owner: str = "") -> str:
    """What often changes, and the values that the edits ``env`` and ``arg`` change."""
    return _SOURCES.format(owner=owner)


def runtime(values: Values) -> str:
    """The last stage: the plain base and the program."""
    return _RUNTIME.format(base=values.base)


def run(*commands: str, mounts: Sequence[str] = ()) -> str:
    """A RUN of commands, each of which must succeed."""
    words = [f"--mount={mount}" for mount in mounts]
    return "RUN " + " \\\n    ".join([*words, " \\\n && ".join(commands)]) + "\n"


def timed(mark: str, command: str) -> tuple[str, ...]:
    """Commands that do ``command`` and print the seconds it took as a mark."""
    return (
        "read begin rest < /proc/uptime",
        command,
        "read end rest < /proc/uptime",
        "spent=$(( ${end%.*}${end#*.} - ${begin%.*}${begin#*.} ))",
        f"printf '::lab-mark {mark} %d.%02d\\n' $(( spent / 100 )) $(( spent % 100 ))",
    )


def build_steps(mounts: Sequence[str] = (), owner: str = "") -> str:
    """Dependencies, then sources, then the program, with the same mounts for both RUNs."""
    return (
        before_sources(owner)
        + run(*timed("dependencies", DEPENDENCIES), mounts=mounts)
        + sources(owner)
        + run(*timed("build", COMPILE), mounts=mounts)
    )
