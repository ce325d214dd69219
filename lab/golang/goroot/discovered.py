"""The Go toolchains of this machine that the lab did not install: where they usually are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.golang.goroot import origins


@dataclass(frozen=True, slots=True)
class Found:
    """A GOROOT of this machine, links resolved. ``version`` None: its go command cannot be run."""

    goroot: Path
    version: str | None


def toolchains(environment: Mapping[str, str], root: Path = Path("/")) -> tuple[Found, ...]:
    """Every GOROOT on PATH, at Go's own place, of distributions and of golang.org/dl, each once.

    In the order in which a shell would take them; ``root`` is where the machine's folders are.
    """
    seen: dict[Path, None] = {}
    for go in _commands(environment, root):
        if go.is_file():
            seen.setdefault(go.resolve().parent.parent)
    return tuple(Found(goroot, origins.what(goroot)) for goroot in seen)


def _commands(environment: Mapping[str, str], root: Path) -> Iterator[Path]:
    for folder in environment.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder) / "go"
    yield root / "usr/local/go/bin/go"
    for pattern in ("usr/lib/go-*/bin/go", "usr/lib/golang/bin/go", "opt/go*/bin/go"):
        yield from sorted(root.glob(pattern), reverse=True)
    if home := environment.get("HOME"):
        yield from sorted(Path(home).glob("sdk/go*/bin/go"), reverse=True)
