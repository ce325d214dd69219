"""Bases whose every program prints a random number: any RUN works, and each tells that it ran."""

from __future__ import annotations

import io
import json
import posixpath
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.corpus.made_up import sampled
from lab.dockerfile.cachekey import make
from lab.dockerfile.context import Context
from lab.dockerfile.model import Dockerfile

_SOURCE = Path(__file__).with_name("stub.c")
_RAN = re.compile(rb"LAB-RAN ([0-9a-f]{16}) ([0-9a-f]{16})")
_USUAL = ("/bin/sh", "/bin/bash", "/bin/ash", "/usr/bin/env", "/usr/bin/bash", "/usr/bin/python3")
_OFFSET, _PRIME = 1469598103934665603, 1099511628211  # FNV-1a, as stub.c has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """What a Dockerfile's images have to hold: programs, users, and files that RUNs make."""

    refs: tuple[str, ...]
    programs: tuple[str, ...]
    users: tuple[str, ...]
    outs: tuple[str, ...]


def bases(parsed: Dockerfile) -> Bases:
    """What the bases of a Dockerfile need."""
    inputs = make(parsed, Context())
    steps = inputs.steps
    refs = {stage.base for stage in parsed.stages if stage.parent is None}
    refs |= {ref for step in steps for ref in step.images}
    outs = {path for step in steps for reading in step.reads for path in reading.paths}
    outs |= {path for step in steps if step.images for path in _copied(parsed, step.index)}
    outs |= {path for step in steps if step.reads for path in _patterns(parsed, step.index)}
    folders = {step.place for step in steps if step.keyword == "WORKDIR"}
    users = {one for step in steps for one in _users(step.text, step.user)}
    return Bases(
        refs=tuple(sorted(refs - {"scratch"})),
        programs=tuple(sorted({*_USUAL, *(one for step in steps for one in _programs(step.text))})),
        users=tuple(sorted(users)),
        outs=tuple(sorted(_placed(outs, folders))),
    )


def archive(wanted: Bases, ref: str, nonce: str, *, fixed: bool = False) -> bytes:
    """A base as a tar, for ADD; ``nonce`` makes it another one, ``fixed`` its numbers no random."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        names = [(0, "root"), *((2000 + n, name) for n, name in enumerate(wanted.users))]
        passwd = "".join(f"{name}:x:{n}:{n}::/:/bin/sh\n" for n, name in names)
        _file(tar, "/etc/passwd", passwd.encode(), 0o644)
        _file(tar, "/etc/group", "".join(f"{name}:x:{n}:\n" for n, name in names).encode(), 0o644)
        _file(tar, "/etc/base", f"{ref} {nonce}\n".encode(), 0o644)
        _file(tar, "/.outs", "\n".join(wanted.outs).encode(), 0o644)
        if fixed:
            _file(tar, "/.fixed", b"", 0o644)
        first, *others = wanted.programs
        _file(tar, first, program(), 0o755)
        for name in others:
            about = tarfile.TarInfo(name.lstrip("/"))
            about.type, about.linkname, about.mode = tarfile.LNKTYPE, first.lstrip("/"), 0o755
            tar.addfile(about)
        for name in wanted.outs:
            _file(tar, name, nonce.encode(), 0o666)
    return out.getvalue()


def ran(log: bytes) -> list[str]:
    """The digests of the last arguments of what ran, by what it printed."""
    return sorted(match[2].decode() for match in _RAN.finditer(log))


def digest(argument: str) -> str:
    """The digest that the stub prints of its last argument."""
    found = _OFFSET
    for byte in argument.encode(errors="surrogateescape"):
        found = ((found ^ byte) * _PRIME) & (2**64 - 1)
    return f"{found:016x}"


def last_argument(operands: str) -> str:
    """The last argument of the program that a RUN starts."""
    try:
        words = json.loads(operands)
    except ValueError:
        return operands
    return str(words[-1]) if isinstance(words, list) and words else operands


@cache
def program() -> bytes:
    """The stub, compiled: a static program."""
    with tempfile.TemporaryDirectory(prefix="lab-stub-") as folder:
        made = Path(folder) / "stub"
        subprocess.run(["gcc", "-O2", "-static", "-s", "-o", made, _SOURCE], check=True)
        return made.read_bytes()


def _copied(parsed: Dockerfile, index: int) -> Iterator[str]:
    """What an instruction copies or mounts from an image."""
    for one in parsed.instructions:
        if one.index == index and one.keyword in {"COPY", "ADD"}:
            yield from ("/" + word.lstrip("/") for word in one.operands.split()[:-1])
        elif one.index == index:
            yield from (mount.get("source", "/") for mount in one.mounts if "from" in mount)


def _patterns(parsed: Dockerfile, index: int) -> Iterator[str]:
    """Patterns that a COPY takes out of a stage: something has to match them."""
    return (path for path in _copied(parsed, index) if "*" in path)


def _programs(text: str) -> Iterator[str]:
    """The programs that a RUN or SHELL in JSON names, or a script's first line."""
    keyword, _, rest = text.partition(" ")
    first = re.search(r"^#!\s*(\S+)", text, re.MULTILINE)
    if first is not None:
        yield first[1]
    start = rest.find("[")
    if keyword not in {"RUN", "SHELL"} or start < 0:
        return
    try:
        words = json.loads(rest[start:])
    except ValueError:
        return
    if words and isinstance(words[0], str):
        yield words[0] if words[0].startswith("/") else f"/usr/bin/{posixpath.basename(words[0])}"


def _users(text: str, user: str) -> Iterator[str]:
    """Names that a step needs a line of /etc/passwd for."""
    found = re.findall(r"--chown=['\"]?([\w.:-]+)", text) + ([user] if user else [])
    for name in ":".join(found).split(":"):
        if name and not name.isdecimal() and name != "root" and "$" not in name:
            yield name


def _placed(outs: Iterable[str], folders: Iterable[str]) -> Iterator[str]:
    """Files for the paths that are copied out of stages: one in each of those that are folders."""
    paths = {posixpath.normpath(sampled(path)) for path in outs if "$" not in path} - {"/", "."}
    above = {*folders, *(parent for path in paths for parent in _above(path))}
    for path in paths:
        folder = path in above or "." not in posixpath.basename(path)
        place = f"{path}/made-by-run" if folder else path
        if f"{path}" not in _USUAL:
            yield place


def _above(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path


def _file(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    for parent in reversed([*_above(name)]):
        about = tarfile.TarInfo(parent.lstrip("/"))
        about.type, about.mode = tarfile.DIRTYPE, 0o777
        tar.addfile(about)
    about = tarfile.TarInfo(name.lstrip("/"))
    about.size, about.mode = len(data), mode
    tar.addfile(about, io.BytesIO(data))
