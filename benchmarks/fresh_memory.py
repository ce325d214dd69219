"""Memory of the lab while a large cache passes through it, both ways, by the size of the cache.

Run: ``python -m benchmarks.fresh_memory [MB ...]``, by default 250 and 2000. Blobs of 50 MB go over
four connections at a time through a relay to a registry, which is a process of its own, and back;
then registries are made of it that damaged its layers, and that lost them. Each size is measured
in a process of its own, by the peak of its resident memory (VmHWM).
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from lab.engines.registry import start_registry
from lab.engines.registry_days import on_day
from lab.host.relay import Relay

BLOB, PIECE, AT_ONCE = 50_000_000, 1 << 18, 4
_HEAD = b"\x1f\x8b"  # so layers begin


def pieces(number: int) -> Iterator[bytes]:
    """A blob's bytes, of which nothing repeats another's."""
    seed = hashlib.blake2b(b"%d" % number, digest_size=32).digest()
    left = BLOB
    piece = (_HEAD + seed * (PIECE // len(seed)))[:PIECE]
    while left:
        yield piece[:left]
        left -= min(len(piece), left)


def pushed(relay: Relay, number: int) -> str:
    """The digest of a blob that was sent as engines send it."""
    host, _, port = relay.address.partition(":")
    digest = hashlib.sha256()
    for piece in pieces(number):
        digest.update(piece)
    name = f"sha256:{digest.hexdigest()}"
    with closing(http.client.HTTPConnection(host, int(port), timeout=120)) as one:
        one.request("POST", "/v2/lab/cache/blobs/uploads/")
        answer = one.getresponse()
        answer.read()
        place = f"{answer.headers['Location']}&digest={name}"
        one.request("PUT", place, body=pieces(number), headers={"Content-Length": str(BLOB)})
        answer = one.getresponse()
        answer.read()
        if answer.status != http.client.CREATED:
            raise SystemExit(f"the registry answered {answer.status}")
    return name


def fetched(relay: Relay, digest: str) -> int:
    """How many bytes of a blob came back."""
    host, _, port = relay.address.partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=120)) as one:
        one.request("GET", f"/v2/lab/cache/blobs/{digest}")
        answer, found = one.getresponse(), 0
        while piece := answer.read(PIECE):
            found += len(piece)
    return found


def peak_mb() -> float:
    """The most resident memory that this process has had."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) / 1000 if found else float("nan")


def measure(size: int) -> None:
    """Let a cache of so many MB pass; print the peak before and after."""
    with start_registry(lambda _: None) as registry, Relay(registry.socket) as relay:
        pushed(relay, 0)
        before = peak_mb()
        with ThreadPoolExecutor(AT_ONCE) as several:
            count = max(1, size * 1_000_000 // BLOB)
            digests = list(several.map(lambda n: pushed(relay, n), range(count)))
            came = sum(several.map(lambda one: fetched(relay, one), digests))
        for day in ("damaged", "gone"):
            with on_day(day, registry, lambda _: None):
                pass
        print(f"| {came / 1e6:,.0f} MB | {before:.0f} MB | {peak_mb() - before:.1f} MB |")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size in a process of its own."""
    sizes = [int(one) for one in (sys.argv[1:] if argv is None else argv)]
    if os.environ.get("LAB_FRESH_MEMORY"):
        measure(sizes[0])
        return 0
    print("| cache | peak before | more |\n| --- | --- | --- |", flush=True)
    for size in sizes or (250, 2000):
        subprocess.run(
            [sys.executable, "-m", "benchmarks.fresh_memory", str(size)],
            check=True,
            env={**os.environ, "LAB_FRESH_MEMORY": "1"},
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
