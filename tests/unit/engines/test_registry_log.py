"""A registry's access log, as docker-registry 2.8.2 wrote it, counted."""

from __future__ import annotations

from pathlib import Path

from lab.engines.registry_log import Counter, Requests

DIGEST = "sha256:" + "a" * 64
AT = "[28/Nov/2026:11:30:45 +0000]"
LINES = [
    'time="2026-11-28T11:30:45Z" level=error msg="response completed with error" err.code=x',
    f'@ - - {AT} "GET /v2/ HTTP/1.1" 200 2 "" "docker/28"',
    f'@ - - {AT} "HEAD /v2/lab/cache/blobs/{DIGEST} HTTP/1.1" 404 157 "" "docker/28"',
    f'@ - - {AT} "POST /v2/lab/cache/blobs/uploads/ HTTP/1.1" 202 0 "" "docker/28"',
    f'@ - - {AT} "PATCH /v2/lab/cache/blobs/uploads/1-2?_state=x HTTP/1.1" 202 0 "" "docker/28"',
    f'@ - - {AT} "PUT /v2/lab/cache/blobs/uploads/1-2?_state=x&digest={DIGEST} HTTP/1.1" 201 0 ""',
    f'@ - - {AT} "PUT /v2/lab/cache/manifests/max HTTP/1.1" 201 0 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/manifests/max HTTP/1.1" 200 1500 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/manifests/none HTTP/1.1" 404 91 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/blobs/{DIGEST} HTTP/1.1" 206 3000 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/blobs/{DIGEST} HTTP/1.1" 500 10 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/blobs/{DIGEST} HTTP/1.1" 404 90 "" "docker/28"',
    f'@ - - {AT} "GET /v2/lab/cache/manifests/max HTTP/1.1" 401 80 "" "docker/28"',
]


def test_requests_are_counted_by_what_they_ask(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(LINES) + "\n")
    counter = Counter(log)
    assert counter.more() == Requests(
        requests=12,
        bytes=2 + 1500 + 91 + 3000 + 10 + 90 + 80,
        blobs_got=1,
        blobs_put=1,
        missing=2,
        blobs_missing=1,
        refused=1,
        failed=1,
    )
    assert counter.more() == Requests()


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LINES[1][:20])
    counter = Counter(log)
    assert counter.more() == Requests()
    log.write_text(LINES[1] + "\n")
    assert counter.more().requests == 1
