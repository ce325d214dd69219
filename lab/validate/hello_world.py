"""The images' Go at work: a hello-world compiled with and without cgo, in a container, once.

What is linked is kept, to be run in every image on every kernel. An image that brings no C
compiler has its cgo compiled in a builder: its own suite with gcc, under the same Go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.engines.protocol import Engine
from lab.images import goroot
from lab.images.opened import Opened, of_source
from lab.validate import container_exec, go
from lab.validate.matrix import Column
from lab.validate.probes import Program
from lab.validate.results import HOST, Probed, Say

COMPILER = ("gcc", "libc6-dev")


class Linked:
    """Programs that were linked, as files in a folder that is the caller's to clear."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: tuple[Program, ...] = ()

    def add(self, name: str, data: bytes | None) -> None:
        """Keep a program; nothing where it could not be linked."""
        if data is None:
            return
        file = self.folder / name
        file.write_bytes(data)
        file.chmod(0o755)
        self.programs += (Program(name=name, file=file),)


def compiled(
    engine: Engine, images: Sequence[Opened], found: Probed, linked: Linked, *, say: Say
) -> None:
    """Ask the Go of each image that has one, and keep what it links."""
    for image in images:
        root = goroot.goroot(image)
        if not root.found:
            continue
        say(f"compiling with the Go of {image.name}")
        done = go.ask(container_exec.runs_in(engine, image))
        if done is None:
            continue
        if "cgo-none" in done.said and (builder := _builder(image, say)) is not None:
            say(f"compiling cgo in {builder.name}, which has a C compiler")
            there = go.ask(container_exec.runs_in(engine, builder))
            if there is not None:
                done = replace(done, cgo=there.cgo, said={**done.said, **_of_cgo(there, builder)})
        number = len(found.go)
        found.go[image.name], found.go_roots[image.name] = done, root
        found.go_column = Column(HOST, engine.name)
        linked.add(f"go{number}", done.program)
        linked.add(f"cgo{number}", done.cgo)


def _builder(image: Opened, say: Say) -> Opened | None:
    """The image's suite with a C compiler and the same Go; None where its parts are not known."""
    source, toolchain = image.source, image.toolchain
    if source is None or source.kind != "suite" or toolchain is None:
        return None
    name = f"{image.name}+{'+'.join(COMPILER)}"
    more = replace(source, name=name, packages=COMPILER)
    return of_source(more, toolchain, say=say)


def _of_cgo(there: go.GoRun, builder: Opened) -> dict[str, str]:
    said = {key: value for key, value in there.said.items() if key in {"cgo", "cgo-failed"}}
    return said | {"cgo-builder": builder.origin}
