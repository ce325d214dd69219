"""What sets the current Go toolchain in a shell or a pipeline: text, for its user to put there.

PATH alone is set. A GOROOT variable is removed: one that leads through a link would let a build
see two versions during a switch, and one that names another version breaks the build.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.golang.goroot import discovered, origins, stage
from lab.golang.goroot.home import Home, Say
from lab.model.errors import InputError, SourceError

KINDS = ("shell", "github", "gitlab", "dockerfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A toolchain on this machine; ``staged`` is its copy in memory, where there is one."""

    goroot: Path
    version: str
    staged: Path | None = None


def choose(home: Home, goroot: Path | None, *, say: Say) -> Chosen:
    """The toolchain that was named, else the current one, else the first on this machine.

    Raises SourceError where the named one cannot be run, InputError where there is none.
    """
    if goroot is not None:
        goroot = goroot.absolute()
        version = origins.what(goroot)
        if version is None:
            raise SourceError(
                f"{goroot}/bin/go cannot be run", remedy="--goroot is a folder with bin/go in it"
            )
        return Chosen(goroot=goroot, version=version)
    if now := home.now():
        # Images are built later and pipelines run long: they get the version, not the link.
        copy = stage.of(home, now.version)
        return Chosen(
            goroot=home.installed(now.version),
            version=now.version,
            staged=copy.goroot if copy else None,
        )
    return _discovered(say)


def _discovered(say: Say) -> Chosen:
    found = discovered.toolchains(os.environ)
    for toolchain in found:
        what = f"Go {toolchain.version}" if toolchain.version else "cannot be run"
        say(f"found {toolchain.goroot}: {what}")
    for toolchain in found:
        if toolchain.version:
            return Chosen(goroot=toolchain.goroot, version=toolchain.version)
    raise InputError(
        "there is no Go on this machine that can be run",
        remedy="lab goroot install 1.22.10, then: lab goroot use 1.22.10",
    )


def inject(kind: str, chosen: Chosen) -> str:
    """The lines for one kind of place. Raises InputError for a path that such a place cannot hold.

    A copy in memory goes before the disk, which is there when the copy is not; images are built
    from the disk.
    """
    staged = chosen.staged if kind != "dockerfile" else None
    places = [place for place in (staged, chosen.goroot) if place is not None]
    for place in places:
        if any(char in str(place) for char in "\n\r\0:"):
            raise InputError(f"{str(place)!r} cannot be in a PATH", remedy="move it: --home")
    return _WRITERS[kind](places, chosen.version)


def _shell(places: Sequence[Path], version: str) -> str:
    return f'# Go {version}\nunset GOROOT\nexport PATH={_bins(places)}:"$PATH"\n'


def _github(places: Sequence[Path], version: str) -> str:
    # What is added last comes first.
    lines = "".join(f'    echo {_bins([one])} >> "$GITHUB_PATH"\n' for one in reversed(places))
    return (
        f"- name: Go {version} of this runner\n"
        "  shell: bash\n"
        "  run: |\n"
        f"{lines}"
        '    echo "GOTOOLCHAIN=local" >> "$GITHUB_ENV"\n'
        '    echo "GOROOT=" >> "$GITHUB_ENV"\n'
    )


def _gitlab(places: Sequence[Path], version: str) -> str:
    line = _bins(places).replace("'", "''")
    return (
        f"# Go {version} of this runner\n"
        "before_script:\n"
        "  - 'unset GOROOT'\n"
        "  - 'export GOTOOLCHAIN=local'\n"
        f"  - 'export PATH={line}:\"$PATH\"'\n"
    )


def _bins(places: Sequence[Path]) -> str:
    return shlex.quote(":".join(f"{one}/bin" for one in places))


def _dockerfile(places: Sequence[Path], version: str) -> str:
    return (
        f"# Go {version}: docker build --build-context goroot={shlex.quote(str(places[-1]))} .\n"
        "COPY --from=goroot . /usr/local/go\n"
        "ENV PATH=/usr/local/go/bin:$PATH GOTOOLCHAIN=local\n"
    )


_WRITERS: Mapping[str, Callable[[Sequence[Path], str], str]] = {
    "shell": _shell,
    "github": _github,
    "gitlab": _gitlab,
    "dockerfile": _dockerfile,
}
