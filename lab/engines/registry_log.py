"""What a registry's access log says of the requests that reached it.

docker-registry writes the combined log format: ``HOST - - [TIME] "GET /v2/NAME/blobs/DIGEST
HTTP/1.1" STATUS BYTES "REFERER" "AGENT"`` (distribution 2.8.2, registry/registry.go, which takes
gorilla's CombinedLoggingHandler). BYTES are those of the answer's body: nothing tells the size of
what was sent up, which the relay counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(
    r'^\S+ - \S* ?\[[^\]]+\] "(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[0-9.]+" '
    r"(?P<status>\d{3}) (?P<size>\d+|-)"
)
_BLOB = re.compile(r"/v2/.+/blobs/sha256:[0-9a-f]{64}$")
_UPLOAD = re.compile(r"/v2/.+/blobs/uploads/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answered request: its body's bytes are the answer's."""

    method: str
    path: str
    status: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests counted. ``bytes`` are of all answers' bodies; blobs got may be pieces of one."""

    requests: int = 0
    bytes: int = 0
    blobs_got: int = 0
    blobs_put: int = 0
    missing: int = 0
    blobs_missing: int = 0
    refused: int = 0
    failed: int = 0


class Counter:
    """Reads on in a log, from where it read before."""

    def __init__(self, path: Path) -> None:
        self.path, self._place = path, 0

    def more(self) -> Requests:
        """What was asked since the last call. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(self._place)
            whole, end, _ = file.read().rpartition(b"\n")
        self._place += len(whole) + len(end)
        return counted(read(whole.decode(errors="replace").splitlines()))


def read(lines: Iterable[str]) -> Iterator[Request]:
    """The requests of a log; lines of other kinds are passed over."""
    for line in lines:
        if match := _LINE.match(line):
            size = match["size"]
            yield Request(
                method=match["method"],
                path=match["path"],
                status=int(match["status"]),
                size=0 if size == "-" else int(size),
            )


def counted(requests: Iterable[Request]) -> Requests:
    """The requests in numbers."""
    found = dict.fromkeys(Requests.__slots__, 0)
    for one in requests:
        path = one.path.partition("?")[0]
        found["requests"] += 1
        found["bytes"] += one.size if one.method != "HEAD" else 0
        found["missing"] += one.status == 404 and one.method == "GET"
        lost = one.method == "GET" and one.status == 404 and _BLOB.search(path) is not None
        found["blobs_missing"] += lost
        found["refused"] += one.status in {401, 403}
        found["failed"] += one.status >= 500
        got = one.method == "GET" and one.status in {200, 206}
        found["blobs_got"] += got and _BLOB.search(path) is not None
        put = one.method == "PUT" and one.status == 201
        found["blobs_put"] += put and _UPLOAD.search(path) is not None
    return Requests(**found)
