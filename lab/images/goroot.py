"""Where an image's Go is: by its environment, by the go command's path, and whether it is whole.

The order is that of cmd/go (findGOROOT in https://go.dev/src/cmd/go/internal/cfg/cfg.go): GOROOT
of the environment, then the folder above the command's own, then above what its links lead to,
then the value that was built in. A folder counts where it has pkg/tool. The built-in value is only
known by running the command, as lab.validate.go does.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from lab.images.opened import Opened
from lab.model.finding import Finding

_STANDARD = ("/usr/local/go", "/usr/lib/go")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a build of a program needs of a toolchain.
_PARTS = ("VERSION", "bin/go", "src/runtime/proc.go", "src/fmt/print.go", "pkg/include")
_TOOLS = ("compile", "link", "asm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goroot:
    """Paths from the image's root; None where there is none. ``root`` is what go itself takes."""

    environment: str | None
    command: str | None
    by_path: str | None
    standard: str | None
    missing: tuple[str, ...] = ()

    @property
    def root(self) -> str | None:
        """The one that go takes, as far as files tell; the built-in value is not among them."""
        return self.environment or self.by_path or self.standard

    @property
    def found(self) -> bool:
        """Whether there is any Go in the image, or said to be."""
        return self.root is not None or self.command is not None


def goroot(image: Opened) -> Goroot:
    """Look for Go in an image."""
    variables = dict(str(one).partition("=")[::2] for one in image.settings.get("Env") or ())
    environment = variables.get("GOROOT") or None
    command = _command(image, variables.get("PATH") or _PATH)
    by_path = None if command is None else _above(image, command)
    standard = next((one for one in _STANDARD if _is_root(image, one)), None)
    root = environment or by_path or standard
    lost = () if root is None or not _is_root(image, root) else tuple(_missing(image, root))
    return Goroot(
        environment=environment,
        command=command,
        by_path=by_path,
        standard=standard,
        missing=lost,
    )


def findings(image: Opened, go: Goroot) -> tuple[Finding, ...]:
    """What is wrong with an image's Go."""
    return tuple(_findings(image, go))


def _findings(image: Opened, go: Goroot) -> Iterator[Finding]:
    if go.environment is not None and not _is_root(image, go.environment):
        there = f"; go is at {go.by_path or go.standard}" if go.by_path or go.standard else ""
        yield Finding(
            rule="goroot-nowhere",
            level="error",
            place=go.environment,
            message=f"GOROOT={go.environment} of the image points to no Go toolchain{there}: every "
            "go command fails with 'cannot find GOROOT directory'",
            remedy="leave GOROOT unset, so that go finds it by its own path",
        )
    elif go.environment and go.by_path and not _same(image, go.environment, go.by_path):
        yield Finding(
            rule="goroot-differs",
            level="warning",
            place=go.environment,
            message=f"GOROOT={go.environment}, but go on PATH belongs to {go.by_path}: a compiler "
            "of one version with the other's library ends in 'does not match go tool version'",
            remedy="leave GOROOT unset, or put its bin first on PATH",
        )
    if go.missing:
        yield Finding(
            rule="toolchain-incomplete",
            level="error",
            place=go.root or "/",
            message=f"the Go toolchain lacks {', '.join(go.missing)}",
            remedy="copy the whole toolchain",
        )


def _command(image: Opened, path: str) -> str | None:
    held = image.contents
    for folder in path.split(":"):
        name = posixpath.join(folder, "go")
        real = held.real(name)
        node = None if real is None else held.nodes.get(real)
        if node is not None and node.file and node.mode & 0o111:
            return name
    return None


def _above(image: Opened, command: str) -> str | None:
    """The toolchain that a go command belongs to: as it is named, then as its links lead."""
    real = "/" + (image.contents.real(command) or "")
    for one in (command, real):
        root = posixpath.dirname(posixpath.dirname(one))
        if _is_root(image, root):
            return root
    return None


def _is_root(image: Opened, path: str) -> bool:
    return _there(image, f"{path}/pkg/tool")


def _missing(image: Opened, root: str) -> Iterator[str]:
    for part in _PARTS:
        if not _there(image, f"{root}/{part}"):
            yield part
    for tool in _TOOLS:
        # Since Go 1.25 the lesser tools are built when they are first used; these never are.
        real = image.contents.real(f"{root}/pkg/tool") or ""
        if not any(
            name.startswith(f"{real}/") and name.endswith(f"/{tool}")
            for name in image.contents.nodes
        ):
            yield f"pkg/tool/*/{tool}"


def _there(image: Opened, path: str) -> bool:
    real = image.contents.real(path)
    if real is None:
        return False
    nodes = image.contents.nodes
    return real in nodes or any(name.startswith(f"{real}/") for name in nodes)


def _same(image: Opened, one: str, other: str) -> bool:
    return image.contents.real(one) == image.contents.real(other)
