"""Runs read back from the results folder, by any name a user has for them."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from lab.host.disk import disk
from lab.model import json_fields
from lab.model.errors import InputError, LabError
from lab.model.record import Build, Run
from lab.results.index import BUILDS_FILE, RUN_FILE
from lab.results.selector import LATEST, find, find_each
from lab.results.selector import names as runs

if TYPE_CHECKING:
    from lab.dockerfile.cachekey import CacheInputs

__all__ = [
    "BUILDS_FILE",
    "LATEST",
    "RUN_FILE",
    "StoredRun",
    "begun",
    "build",
    "events",
    "events_path",
    "find",
    "find_each",
    "head",
    "load",
    "manifest",
    "passed_over",
    "plausible",
    "read",
    "readable",
    "runs",
    "without_builds",
]

MOST = 2**64  # of seconds, bytes, seeds: there is no more of anything
GZIP = 16 + zlib.MAX_WBITS  # zlib's way to ask for a gzip header
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run read back. ``notes`` say what was passed over in reading."""

    run: Run
    builds: tuple[Build, ...]
    folder: Path
    notes: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Build, ...]:
        """The builds that figures are made of: all but those of warm-up rounds."""
        return tuple(build for build in self.builds if not build.warm_up)


def load(ref: str | Path, results: Path) -> StoredRun:
    """The run that a user means by ``ref`` (lab.results.selector).

    Raises InputError where there is none such, or where a file of it is corrupt.
    """
    return read(find(ref, results))


def events(folder: Path, build_id: str) -> Iterator[tuple[float, Any]]:
    """A build's raw messages and their times, up to where a crash or a disk broke them off."""
    path = events_path(folder, build_id)
    if not path.exists():
        return
    inflate, rest = zlib.decompressobj(GZIP), b""
    with disk(path), path.open("rb") as file:
        while block := file.read(1 << 16):
            try:
                lines = (rest + inflate.decompress(block)).split(b"\n")
            except zlib.error:
                return
            rest = lines.pop()
            for line in lines:
                if (one := _message(line)) is None:
                    return
                yield one


def _message(line: bytes) -> tuple[float, Any] | None:
    """A message and when it came; None where this is none."""
    try:
        message = json_fields.message(line)
        return float(message["t"]), message["m"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def manifest(path: Path) -> CacheInputs:
    """What a build was made from, of the file that its record names in the run's folder.

    Raises InputError where that is gone, or is none.
    """
    from lab.dockerfile.cachekey import CacheInputs  # which most readers of runs do not need

    remedy = "bring it back from a copy, or run again: without it this run cannot be explained"
    if not path.exists():
        raise InputError(f"{path} is gone: it said what a build was made from", remedy=remedy)
    with disk(path):
        packed = path.read_bytes()
    try:
        data = zlib.decompress(packed, GZIP)
    except zlib.error as error:
        raise InputError(f"{path}: not a manifest of the lab: {error}", remedy=remedy) from error
    return _parsed(data, path, 1, CacheInputs.from_json, remedy)


def events_path(folder: Path, build_id: str) -> Path:
    """Where a build's raw stream lies; an id cannot lead out of the folder."""
    name = re.sub(r"[^A-Za-z0-9._=+-]", "_", build_id).lstrip(".")
    if name != build_id or len(name) > 150:
        name = f"{name[:150]}-{hashlib.sha256(build_id.encode()).hexdigest()[:8]}"
    return folder / "events" / f"{name}.jsonl.gz"


def read(folder: Path) -> StoredRun:
    """The run in this folder. Raises InputError with file and line where it is corrupt."""
    with disk(folder):
        lines_path = folder / BUILDS_FILE
        lines = lines_path.read_bytes().split(b"\n") if lines_path.exists() else [b""]
    run = head(folder)
    *whole, torn = lines
    builds = [
        build(line, lines_path, number) for number, line in enumerate(whole, 1) if line.strip()
    ]
    notes = [f"{BUILDS_FILE}:{len(lines)}: the last line is torn and was dropped"] if torn else []
    # A trial that a resumed run began anew is recorded twice: its last record holds.
    latest = {one.id: one for one in builds}
    if run.builds is not None and len(latest) < run.builds:
        notes.append(f"{BUILDS_FILE} has {len(latest)} of the {run.builds} builds of the run's end")
    return StoredRun(run=run, builds=tuple(latest.values()), folder=folder, notes=tuple(notes))


def readable(folder: Path, say: Callable[[str], None] = lambda _: None) -> StoredRun | None:
    """The run, for whoever looks through many: None where it cannot be read, and why is said."""
    try:
        return read(folder)
    except LabError as error:
        say(passed_over(folder, error.message))
        return None


def begun(folder: Path) -> bool:
    """Whether the run in this folder has builds on disk."""
    lines = folder / BUILDS_FILE
    return lines.exists() and lines.stat().st_size > 0


def passed_over(folder: Path, why: str) -> str:
    """What is said of a run that cannot be read, among others that can."""
    return f"{folder.name} was passed over: {why}"


def head(folder: Path) -> Run:
    """The head of the run in this folder. Raises InputError where it is corrupt."""
    path = folder / RUN_FILE
    with disk(folder):
        data = path.read_bytes()
    return _parsed(data, path, 1, Run.from_json, f"repair it, or move {folder} out of the way")


def build(line: bytes, path: Path, number: int) -> Build:
    """The build of line ``number`` of ``path``. Raises InputError where it is none."""
    remedy = "repair or remove that line; the raw streams in events/ are untouched"
    return _parsed(line, path, number, Build.from_json, remedy)


def without_builds(stored: StoredRun) -> InputError:
    """The error for a run of which no build can be shown."""
    path = stored.folder / BUILDS_FILE
    if stored.run.status == "complete":  # it would not be resumed
        remedy = "bring that file back from a copy, or run the scenario again"
    else:
        remedy = f"lab run --resume {shlex.quote(str(stored.folder))}, or name another run"
    return InputError(f"run {stored.run.id} has no builds: {path} is empty or gone", remedy=remedy)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no figure")


def plausible(value: float) -> bool:
    """Whether a record can say so: arithmetic with what is larger would not end in a number."""
    return -MOST < value < MOST


def _figure(text: str) -> float:
    value = float(text)
    return value if plausible(value) else _no_number(text)


def _count(text: str) -> int:
    value = int(text) if len(text) < 40 else _no_number(text)
    return value if plausible(value) else _no_number(text)


# Made once: there are many lines.
_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_figure, parse_int=_count)


def _parsed(
    data: bytes, path: Path, line: int, kind: Callable[[Mapping[str, Any]], T], remedy: str
) -> T:
    try:
        return kind(_DECODER.decode(data.decode(errors="surrogatepass")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        line = getattr(error, "lineno", 1) + line - 1
        raise InputError(
            f"{path}:{line}: not a record of the lab: {type(error).__name__}: {error}",
            remedy=remedy,
        ) from error
