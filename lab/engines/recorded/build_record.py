"""Build records of BuildKit: `.dockerbuild` files, from `docker buildx history export`, Docker
Desktop or the action build-push-action.

Such a file is a tar, compressed with gzip, of an OCI layout (source: buildx,
util/desktop/bundle/export.go): an index of one manifest, or of an index of several, each with the
record as its config (JSON), the status messages as a layer (protobuf messages, each behind four
bytes of length, the lowest first: buildkit, solver/llbsolver/history), and the provenance (in-toto
JSON), in which the Dockerfile lies. Times in the record are RFC 3339 in files of 2024 (docker's
export-build), seconds and nanos since buildx has the command.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO

from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.engines.recorded import buildkit
from lab.engines.recorded.types import LARGEST, NotRead, Recorded

GZIP_MAGIC = b"\x1f\x8b"
RECORD = "application/vnd.buildkit.historyrecord.v0"
STATUS = "application/vnd.buildkit.status.v0"
PROVENANCE = "application/vnd.in-toto+json"
_INDEX, _MANIFEST = "index.json", "layers"
_UNPACKED = 2 << 30  # bytes; an export of all of a builder's records is some 100 kB for each
_DOCUMENT = 16 << 20
_MEMBERS, _RECORDS = 200_000, 20_000
_METADATA = "https://mobyproject.org/buildkit@v1#metadata"
_HEADER = 512

Members = Mapping[str, tuple[int, int]]


class Layout:
    """An OCI layout in a tar: members by name, of which one at a time is read."""

    def __init__(self, file: IO[bytes], members: Members) -> None:
        self._file = file
        self._members = members

    def read(self, name: str, limit: int) -> bytes:
        """A member's bytes. Raises NotRead where it is not there, or is larger than ``limit``."""
        place, size = self._members.get(name, (0, -1))
        if size < 0:
            raise NotRead("it is not in the archive", name)
        if size > limit:
            raise NotRead(f"{size} bytes, more than {limit} for a part of this kind", name)
        self._file.seek(place)
        data = self._file.read(size)
        if len(data) < size:
            raise NotRead("it is cut off", name)
        return data

    def document(self, name: str) -> Mapping[str, Any]:
        """A JSON object. Raises NotRead where it is none."""
        try:
            found = json.loads(self.read(name, _DOCUMENT))
        except (ValueError, RecursionError) as error:
            if isinstance(error, NotRead):
                raise
            raise NotRead(f"no JSON: {error}", name) from error
        if not isinstance(found, dict):
            raise NotRead("no JSON object", name)
        return found

    def described(self, descriptor: object, kind: str | None = None) -> str | None:
        """The member that a descriptor names, where it is of this media type."""
        if not isinstance(descriptor, Mapping):
            return None
        algorithm, _, digest = str(descriptor.get("digest", "")).partition(":")
        if kind is not None and descriptor.get("mediaType") != kind:
            return None
        return f"blobs/{algorithm}/{digest}"


def builds(file: BinaryIO, given: Dockerfile | None, target: str | None) -> Iterator[Recorded]:
    """The builds of a record. Raises NotRead where it is none, or is torn."""
    with SpooledTemporaryFile(max_size=8 << 20) as plain:
        _unpack(file, plain)
        layout = Layout(plain, _members(plain))
        for manifest in _manifests(layout):
            yield _build(layout, manifest, given, target)


def _unpack(file: BinaryIO, plain: IO[bytes]) -> None:
    packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    total = 0
    while block := file.read(1 << 18):
        try:
            data = inflate.decompress(block, 1 << 22) if packed else block
            while data:
                total += len(data)
                if total > _UNPACKED:
                    raise NotRead(f"it unpacks to more than {_UNPACKED >> 20} MiB")
                plain.write(data)
                data = inflate.decompress(inflate.unconsumed_tail, 1 << 22) if packed else b""
        except zlib.error as error:
            raise NotRead(f"damaged: {error}") from error
    if packed and not inflate.eof:
        raise NotRead("it is cut off")


def _members(plain: IO[bytes]) -> dict[str, tuple[int, int]]:
    """Where the files of a tar lie. Written by containerd, it has plain headers alone."""
    found: dict[str, tuple[int, int]] = {}
    end, place = plain.seek(0, 2), 0
    while place + _HEADER <= end:
        plain.seek(place)
        header = plain.read(_HEADER)
        if not header.strip(b"\0"):
            break
        name = header[:100].split(b"\0")[0].decode("utf-8", "replace")
        try:
            size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        except ValueError as error:
            raise NotRead("no tar", f"byte {place}") from error
        if size < 0 or place + _HEADER + size > end:
            raise NotRead("it is cut off", name or f"byte {place}")
        if header[156:157] in b"0\0":
            found[name.removeprefix("./")] = (place + _HEADER, size)
        if len(found) > _MEMBERS:
            raise NotRead(f"more than {_MEMBERS} files in it")
        place += _HEADER + (size + _HEADER - 1) // _HEADER * _HEADER
    return found


def _manifests(layout: Layout) -> Iterator[Mapping[str, Any]]:
    """The manifests that have a record as their config, by way of the indexes above them."""
    waiting = [layout.document(_INDEX)]
    seen, count = set[str](), 0
    while waiting:
        index = waiting.pop()
        for descriptor in _list(index, "manifests"):
            name = layout.described(descriptor)
            if name is None or name in seen or len(seen) > _RECORDS:
                continue
            seen.add(name)
            document = layout.document(name)
            if _list(document, "manifests"):
                waiting.append(document)
            elif layout.described(document.get("config"), RECORD) is not None:
                count += 1
                yield document
    if not count:
        raise NotRead("an archive without a build record: an image, perhaps")


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def _build(
    layout: Layout, manifest: Mapping[str, Any], given: Dockerfile | None, target: str | None
) -> Recorded:
    place = layout.described(manifest["config"]) or ""
    record = layout.document(place)
    layers = _list(manifest, _MANIFEST)
    attributes = _words(record.get("FrontendAttrs"))
    messages = buildkit.Messages(error=_error(record), judged=True, image=_image(record))
    for descriptor in layers:
        if (name := layout.described(descriptor, STATUS)) is not None:
            messages.statuses += _statuses(layout.read(name, LARGEST), name)
    try:
        created, completed = (
            buildkit.seconds(record.get(name)) for name in ("CreatedAt", "CompletedAt")
        )
    except ValueError as error:
        raise NotRead(str(error), place) from error
    target = attributes.get("target") or target
    built = given or _dockerfile(layout, layers, attributes)
    if built is not None and not _fits(built, target):
        built = None
    made = buildkit.recorded(
        messages,
        key=str(record.get("Ref") or place.rpartition("/")[2]),
        given=built,
        target=target,
        span=None if created is None or completed is None else (created, completed),
        format="build record (.dockerbuild)",
    )
    return replace(made, facts=_facts(record, attributes))


def _fits(built: Dockerfile, target: str | None) -> bool:
    try:
        built.target(target)
    except DockerfileError:
        return False
    return True


def _statuses(data: bytes, name: str) -> Iterator[Any]:
    place = 0
    while place + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, place)
        if place + 4 + size > len(data):
            raise NotRead("a message is cut off", f"{name}, byte {place}")
        yield buildkit.parsed(data[place + 4 : place + 4 + size], f"{name}, byte {place}")
        place += 4 + size


def _words(found: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _error(record: Mapping[str, Any]) -> str | None:
    error = record.get("error")
    if not isinstance(error, Mapping):
        return None
    return str(error.get("message") or "the record says that it failed, not why")


def _image(record: Mapping[str, Any]) -> str | None:
    answer = _words(record.get("ExporterResponse"))
    return answer.get("containerimage.digest") or answer.get("containerimage.config.digest")


def _dockerfile(
    layout: Layout, layers: list[Any], attributes: Mapping[str, str]
) -> Dockerfile | None:
    """The file that was built, where the provenance has it and it can be read."""
    arguments = {
        name.removeprefix("build-arg:"): value
        for name, value in attributes.items()
        if name.startswith("build-arg:")
    }
    for descriptor in layers:
        name = layout.described(descriptor, PROVENANCE)
        if name is None:
            continue
        metadata = layout.document(name).get("metadata")
        source = (metadata or {}).get(_METADATA) if isinstance(metadata, Mapping) else None
        source = source.get("source") if isinstance(source, Mapping) else None
        for one in _list(source, "infos") if isinstance(source, Mapping) else []:
            try:
                text = base64.b64decode(one["data"]).decode("utf-8", "surrogateescape")
                return parse(text, arguments)
            except (KeyError, TypeError, ValueError):
                continue
    return None


def _facts(record: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, str]:
    """What the record says of where the build comes from; folders of the builder's are left out."""
    exporters = [one for one in _list(record, "Exporters") if isinstance(one, Mapping)]
    names = [_words(one.get("Attrs")).get("name", "") for one in exporters]
    local = record.get("localState")
    bake = str(local.get("Target", "")) if isinstance(local, Mapping) else ""
    found = {
        "reference": str(record.get("Ref") or ""),
        "commit": attributes.get("vcs:revision", ""),
        "repository": attributes.get("vcs:source", ""),
        "dockerfile": attributes.get("filename", ""),
        "target": attributes.get("target", ""),
        "platform": attributes.get("platform", "") or str(record.get("DefaultPlatform") or ""),
        "bake_target": "" if bake == "default" else bake,
        "tag": next(filter(None, names), ""),
    }
    return {name: value[:400] for name, value in found.items() if value}
