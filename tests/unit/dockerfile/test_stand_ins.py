"""Other images for those that a Dockerfile names: each on its line, and nothing else changes."""

from __future__ import annotations

import pytest

from lab.dockerfile import stand_ins
from lab.dockerfile.parser import parse

TEXT = """\
# syntax=docker/dockerfile:1
ARG GO=1.22
FROM --platform=linux/amd64 golang:${GO}-bookworm AS build
# golang:1.22-bookworm
COPY --from=busybox:1 /bin/busybox /bin/
COPY app /golang:1.22-bookworm
RUN --mount=type=bind,from=busybox:1,target=/b \\
    --mount=type=cache,target=/c echo busybox:1
FROM build AS next
FROM scratch
FROM \\
  "debian:bookworm"
COPY --from=0 /app /app
"""


def test_the_images_that_a_dockerfile_reads() -> None:
    assert stand_ins.named(parse(TEXT)) == {"golang:1.22-bookworm", "busybox:1", "debian:bookworm"}
    assert "golang:1.23-bookworm" in stand_ins.named(parse(TEXT, {"GO": "1.23"}))


def test_each_is_put_where_it_stood() -> None:
    instead = {"golang:1.22-bookworm": "lab/go:1", "busybox:1": "lab/box:1", "absent:1": "x"}
    put = stand_ins.put(parse(TEXT), instead)
    wanted = (
        TEXT.replace("golang:${GO}-bookworm", "lab/go:1")
        .replace("--from=busybox:1", "--from=lab/box:1")
        .replace(",from=busybox:1", ",from=lab/box:1")
    )
    assert put == wanted


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("FROM a:1", "FROM b:2"),
        ("from a:1 as a:1", "from b:2 as a:1"),
        ('FROM "a:1"', 'FROM "b:2"'),
        ("FROM a:1\\\n  AS x", "FROM b:2\\\n  AS x"),
        ("FROM a:10", "FROM a:10"),
        ("FROM registry.example/a:1", "FROM registry.example/a:1"),
    ],
)
def test_a_from_line(line: str, becomes: str) -> None:
    assert stand_ins.put(parse(f"{line}\nRUN true\n"), {"a:1": "b:2"}) == f"{becomes}\nRUN true\n"
