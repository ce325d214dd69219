"""The cache of what takes long to make: made once, named by content, shared by labs.

layers/<sha256>.tar   file system layers, uncompressed
images/<digest>.tar   docker-archives, written from layers
entries/<key>.json    what a source became: its layers, its configuration, what it holds
folders/<name>/       root folders, whose names say all that decides their content
locks/, tmp/          who makes what; unfinished files, each folder held by its owner's lock
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lab.model.errors import DiskFull, SourceError, StoreError

Say = Callable[[str], None]
CHUNK = 1 << 20
# No layer comes near this: it ends an archive that decompresses without end.
LAYER_LIMIT = 32 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer. ``digest`` is the sha256 of the uncompressed tar, in hex: its diff id."""

    digest: str
    size: int
    path: Path


class Cache:
    """The cache below one folder. Every file in it appears whole, by a rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with writing(root):
            for name in ("layers", "images", "entries", "folders", "locks", "tmp"):
                (root / name).mkdir(parents=True, exist_ok=True)
        self._sweep()

    def entry(
        self, key: Mapping[str, Any], make: Callable[[], dict[str, Any]], *, say: Say, what: str
    ) -> dict[str, Any]:
        """What ``make`` returned for this key the first time. Labs that ask at once wait."""
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        path = self.root / "entries" / f"{name}.json"
        if (found := self._read(path)) is not None:
            return found
        with self._lock(name, say, what):
            if (found := self._read(path)) is not None:
                return found
            found = make()
            self.file(path, lambda out: _write_text(out, json.dumps(found, indent=1)))
            return found

    def layer(self, write: Callable[[IO[bytes]], None]) -> Layer:
        """Keep what ``write`` writes as a layer."""
        with self.temporary() as folder:
            path = folder / "layer.tar"
            with writing(path), path.open("wb") as out:
                write(out)
            return self.adopt(path)

    def adopt(self, path: Path) -> Layer:
        """Move an uncompressed tar into the cache, on the same file system."""
        with path.open("rb") as tar:
            digest = hashlib.file_digest(tar, "sha256").hexdigest()
        layer = self.kept(digest, path.stat().st_size)
        with writing(layer.path):
            path.replace(layer.path)
        return layer

    def kept(self, digest: str, size: int) -> Layer:
        """The layer of this digest, whether it is there or not."""
        return Layer(digest=digest, size=size, path=self.root / "layers" / f"{digest}.tar")

    def file(self, path: Path, write: Callable[[IO[bytes]], None]) -> Path:
        """Write a file that appears whole or not at all."""
        with self.temporary() as folder, writing(path):
            draft = folder / path.name
            with draft.open("wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
        return path

    def folder(self, name: str, make: Callable[[Path], None], *, say: Say, what: str) -> Path:
        """The folder that ``make`` filled the first time. Labs that ask at once wait."""
        place = self.root / "folders" / name
        if place.is_dir():
            return place
        with self._lock(hashlib.sha256(name.encode()).hexdigest()[:24], say, what):
            if place.is_dir():
                return place
            with self.temporary() as folder:
                make(folder / "made")
                with writing(place):
                    (folder / "made").rename(place)
        return place

    def folders(self) -> list[Path]:
        """The folders that are whole."""
        with writing(self.root):
            return sorted((self.root / "folders").iterdir())

    @contextlib.contextmanager
    def temporary(self) -> Iterator[Path]:
        """A folder for unfinished files. A lab that is killed leaves it to the next one."""
        with self._lock("tmp", None, ""), writing(self.root):
            folder = Path(tempfile.mkdtemp(dir=self.root / "tmp"))
            owner = (folder / ".owner").open("w")
            fcntl.flock(owner, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            owner.close()

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            entry: dict[str, Any] = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        whole = all(
            self.kept(digest, size).path.is_file()
            and self.kept(digest, size).path.stat().st_size == size
            for digest, size in entry["layers"]
        )
        return entry if whole else None  # somebody cleared part of the cache: make it again

    @contextlib.contextmanager
    def _lock(self, name: str, say: Say | None, what: str) -> Iterator[None]:
        with writing(self.root):
            file = (self.root / "locks" / name).open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if say is not None:
                    say(f"waiting for another lab that makes {what}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        """Remove what labs left that were killed: the kernel has let go of their locks."""
        with self._lock("tmp", None, ""):
            for folder in (self.root / "tmp").iterdir():
                with contextlib.suppress(OSError):
                    with (folder / ".owner").open("a") as owner:
                        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """What goes wrong while the cache is written, in the lab's own words."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(
                f"no space left for {path}",
                remedy="free some space, or set LAB_CACHE to a folder on a larger disk",
            ) from error
        raise StoreError(
            f"cannot write {error.filename or path}: {error.strerror or error}",
            remedy="set LAB_CACHE to a folder that you can write to",
        ) from error


def copy(source: IO[bytes], target: IO[bytes], *, what: str, limit: int = LAYER_LIMIT) -> int:
    """Copy a stream to its end. Raises SourceError where there is no end below ``limit`` bytes."""
    count = 0
    while chunk := _piece(source):
        count += len(chunk)
        if count > limit:
            raise SourceError(
                f"{what} unpacks to more than {limit} bytes: that is no image",
                remedy="name another archive",
            )
        target.write(chunk)
    return count


def _piece(source: IO[bytes]) -> bytes:
    try:
        return source.read(CHUNK)
    except OSError as error:  # as gzip and bz2 call damage: it must not look like a full disk
        raise ValueError(str(error)) from error


def sha256(path: Path) -> str:
    """The checksum of a file in hex. Raises SourceError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(
            f"cannot read {path}: {error.strerror}", remedy="check the path in the scenario"
        ) from error


def verified(path: Path, expected: str | None) -> str:
    """The checksum of a file. Raises SourceError where it is not the one that was declared."""
    found = sha256(path)
    if expected is not None and found != expected.lower().removeprefix("sha256:"):
        raise SourceError(
            f"{path} has sha256 {found}, the scenario says {expected}",
            remedy="fetch the file again, or state its new checksum if the change was meant",
        )
    return found


def _write_text(out: IO[bytes], text: str) -> None:
    out.write(text.encode())
