"""What sets the current Go toolchain in a shell or a pipeline: text, for its user to put there.

PATH alone is set. A GOROOT variable is removed: one that leads through a link would let a build
see two versions during a switch, and one that names another version breaks the build.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.model.errors import InputError

KINDS = ("shell", "github", "gitlab", "dockerfile")


def inject(kind: str, goroot: Path, version: str, *, before: Path | None = None) -> str:
    """The lines for one kind of place; ``before`` is a GOROOT that goes before this one where it
    is there. Raises InputError for a path that such a place cannot hold.
    """
    places = [one for one in (before, goroot) if one is not None]
    for one in places:
        if any(char in str(one) for char in "\n\r\0:"):
            raise InputError(f"{str(one)!r} cannot stand in a PATH", remedy="move it: --home")
    return _WRITERS[kind](places, version)


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
