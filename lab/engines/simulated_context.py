"""A build context as the simulated engine sees it: which files an instruction reads."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from lab.dockerfile.model import Instruction
from lab.engines.protocol import BuildRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The files that were sent."""

    files: Mapping[str, tuple[str, int]]  # path -> digest of content and mode, bytes

    @classmethod
    def read(cls, request: BuildRequest) -> Context:
        """Those of a request."""
        files = {}
        with request.context.open() as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                opened = tar.extractfile(member) if member.isfile() else None
                content = opened.read() if opened else member.linkname.encode()
                digest = hashlib.sha256(content + oct(member.mode).encode()).hexdigest()
                files[member.name.removeprefix("./")] = (digest, len(content))
        return cls(files=files)

    def chosen(self, instruction: Instruction) -> tuple[tuple[str, str, int], ...]:
        """The files that a COPY or ADD reads: path, digest, bytes."""
        found: dict[str, tuple[str, int]] = {}
        for source in _sources(instruction):
            pattern = source.strip("/").removeprefix("./") or "."
            found |= {
                path: facts
                for path, facts in self.files.items()
                if pattern == "."
                or path.startswith(f"{pattern}/")
                or fnmatch.fnmatchcase(path, pattern)
            }
        return tuple((path, *found[path]) for path in sorted(found))


def _sources(instruction: Instruction) -> list[str]:
    operands = instruction.operands.strip()
    words = json.loads(operands) if operands.startswith("[") else operands.split()
    return [str(word) for word in words[:-1]]
