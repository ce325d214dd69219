"""What sets the current Go toolchain in a shell or a pipeline: text, for its user to put there.

PATH alone is set. A GOROOT variable is removed: one that leads through a link would let a build
see two versions during a switch, and one that names another version breaks the build.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.errors import InputError

KINDS = ("shell", "github", "gitlab", "dockerfile")


def inject(kind: str, goroot: Path, version: str) -> str:
    """The lines for one kind of place. Raises InputError for a path that it cannot hold."""
    if any(char in str(goroot) for char in "\n\r\0:"):
        raise InputError(f"{str(goroot)!r} cannot stand in a PATH", remedy="move it: --home")
    return _WRITERS[kind](goroot, version)


def _shell(goroot: Path, version: str) -> str:
    return f'# Go {version}\nunset GOROOT\nexport PATH={shlex.quote(f"{goroot}/bin")}:"$PATH"\n'


def _github(goroot: Path, version: str) -> str:
    line = shlex.quote(f"{goroot}/bin")
    return (
        f"- name: Go {version} of this runner\n"
        "  shell: bash\n"
        "  run: |\n"
        f'    echo {line} >> "$GITHUB_PATH"\n'
        '    echo "GOTOOLCHAIN=local" >> "$GITHUB_ENV"\n'
        '    echo "GOROOT=" >> "$GITHUB_ENV"\n'
    )


def _gitlab(goroot: Path, version: str) -> str:
    line = shlex.quote(f"{goroot}/bin").replace("'", "''")
    return (
        f"# Go {version} of this runner\n"
        "before_script:\n"
        "  - 'unset GOROOT'\n"
        "  - 'export GOTOOLCHAIN=local'\n"
        f"  - 'export PATH={line}:\"$PATH\"'\n"
    )


def _dockerfile(goroot: Path, version: str) -> str:
    return (
        f"# Go {version}: docker build --build-context goroot={goroot} .\n"
        "COPY --from=goroot . /usr/local/go\n"
        "ENV PATH=/usr/local/go/bin:$PATH GOTOOLCHAIN=local\n"
    )


_WRITERS: Mapping[str, Callable[[Path, str], str]] = {
    "shell": _shell,
    "github": _github,
    "gitlab": _gitlab,
    "dockerfile": _dockerfile,
}
