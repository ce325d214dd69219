"""Context entries as a tar: the same entries give the same bytes, wherever and whenever.

The headers are written by hand because tarfile takes a tenth of a millisecond for each. Format:
POSIX.1-2017 pax, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from lab.dockerfile.entries import Data, Entry, Span, chunks
from lab.model.errors import DiskFull, InputError

IN_MEMORY = 8 * 1024 * 1024  # bytes of archive that are held in memory; larger ones go to a file
_BLOCK = 512
_RECORD = 20 * _BLOCK
_CHUNK = 1024 * 1024
_MAX_OCTAL = 8**11 - 1

_FILE, _LINK, _DIRECTORY, _PAX = b"0", b"2", b"5", b"x"


class MemoryArchive:
    """An archive small enough to be held in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def open(self) -> BinaryIO:
        """A fresh reader from the first byte."""
        return io.BytesIO(self._data)

    def close(self) -> None:
        """Nothing to give back."""


class FileArchive:
    """An archive in a temporary file without a name: nothing is left of it, whatever happens."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def open(self) -> BinaryIO:
        """A fresh reader from the first byte; readers do not disturb each other."""
        raw: Any = _PositionedReader(self._file.fileno())  # typeshed asks for FileIO's methods
        return io.BufferedReader(raw, _CHUNK)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class _PositionedReader(io.RawIOBase):
    """Reads a shared file descriptor from a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (os.fstat(self._descriptor).st_size if start is None else start)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # typeshed: Buffer
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


Archive = MemoryArchive | FileArchive


@dataclass(frozen=True, slots=True)
class _Piece:
    """A header with its content: bytes, or a file of which exactly ``size`` bytes are sent."""

    header: bytes
    data: Data
    size: int


def write(entries: Mapping[str, Entry]) -> Archive:
    """The tar of the entries, sorted by path, owned by 0:0 but for files that say otherwise."""
    pieces = list(_pieces(entries))
    used = sum(len(piece.header) + _padded(piece.size) for piece in pieces) + 2 * _BLOCK
    end = bytes(2 * _BLOCK + -used % _RECORD)
    size = used - 2 * _BLOCK + len(end)
    if size <= IN_MEMORY:
        out = io.BytesIO()
        _copy(pieces, end, out)
        return MemoryArchive(out.getvalue())
    file = tempfile.TemporaryFile(prefix="lab-context-")  # noqa: SIM115 - FileArchive owns it
    try:
        _copy(pieces, end, file)
        file.flush()
    except OSError as exc:
        file.close()
        raise DiskFull(
            f"the build context of {size} bytes cannot be kept in {tempfile.gettempdir()}: "
            f"{exc.strerror}",
            remedy="free some space there, or set TMPDIR to a folder that has it",
        ) from exc
    except BaseException:
        file.close()
        raise
    return FileArchive(file, size)


def _copy(pieces: list[_Piece], end: bytes, out: IO[bytes]) -> None:
    for piece in pieces:
        out.write(piece.header)
        if isinstance(piece.data, Path):
            _copy_file(piece.data, piece.size, out)
        else:
            for chunk in chunks(piece.data):
                out.write(chunk)
        out.write(bytes(-piece.size % _BLOCK))
    out.write(end)


def _copy_file(path: Path, size: int, out: IO[bytes]) -> None:
    left = size
    try:
        source = path.open("rb")
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    with source:
        while left:
            chunk = source.read(min(left, _CHUNK))
            if not chunk:
                raise InputError(
                    f"{path} became shorter while it was read into the build context",
                    remedy="let nothing write to the context while a scenario runs",
                )
            out.write(chunk)
            left -= len(chunk)


def _unreadable(path: Path, exc: OSError) -> InputError:
    return InputError(
        f"{path} cannot be read into the build context: {exc.strerror}",
        remedy="make it readable, or name it in .dockerignore",
    )


def _pieces(entries: Mapping[str, Entry]) -> Iterator[_Piece]:
    for path in sorted(entries):
        entry = entries[path]
        match entry.kind:
            case "directory":
                yield _Piece(_header(f"{path}/", _DIRECTORY, entry.mode), b"", 0)
            case "link":
                header = _header(path, _LINK, 0o777, target=entry.target)
                yield _Piece(header, b"", 0)
            case "file":
                size = _length(entry.data)
                header = _header(
                    path, _FILE, entry.mode, size=size, mtime=entry.mtime, owner=entry.owner
                )
                yield _Piece(header, entry.data, size)


def _length(data: Data) -> int:
    if isinstance(data, bytes):
        return len(data)
    if isinstance(data, Span):
        return data.size
    try:
        return data.stat().st_size
    except OSError as exc:
        raise _unreadable(data, exc) from exc


def _header(
    path: str,
    kind: bytes,
    mode: int,
    *,
    size: int = 0,
    mtime: int = 0,
    target: str = "",
    owner: tuple[int, int] = (0, 0),
) -> bytes:
    """The header of one entry, after a pax header for what the plain one cannot hold."""
    extra = {}
    if len(path) > 100 or not path.isascii():
        extra["path"] = path
    if len(target) > 100 or not target.isascii():
        extra["linkpath"] = target
    if size > _MAX_OCTAL:
        extra["size"] = str(size)
    plain = _plain(
        _encoded(path)[:100],
        kind,
        mode,
        0 if "size" in extra else size,
        min(max(mtime, 0), _MAX_OCTAL),
        _encoded(target)[:100],
        owner,
    )
    if not extra:
        return plain
    body = b"".join(_pax_record(key, value) for key, value in extra.items())
    name = b"PaxHeaders/" + _encoded(path)[:80].rstrip(b"/")
    return _plain(name, _PAX, 0o644, len(body), 0, b"") + body + bytes(-len(body) % _BLOCK) + plain


def _plain(
    name: bytes,
    kind: bytes,
    mode: int,
    size: int,
    mtime: int,
    target: bytes,
    owner: tuple[int, int] = (0, 0),
) -> bytes:
    head = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name.ljust(100, b"\0"), mode & 0o7777, *owner, size, mtime
    )  # fmt: skip
    tail = b"%b%bustar\00000" % (kind, target.ljust(100, b"\0"))
    tail = tail.ljust(_BLOCK - 156, b"\0")
    # the checksum counts its own eight bytes as spaces
    return b"%b%06o\0 %b" % (head, sum(head) + sum(tail) + 8 * 32, tail)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _pax_record(key: str, value: str) -> bytes:
    rest = b" %b=%b\n" % (key.encode(), _encoded(value))
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _padded(size: int) -> int:
    return size + -size % _BLOCK
