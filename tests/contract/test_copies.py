"""Copies between stages of different bases, judged before anything is built."""

from __future__ import annotations

import pytest

from lab.dockerfile import parse
from lab.images import copies
from lab.images.opened import Opened
from tests.contract.debian import image

RUN = "RUN gcc -o /app main.c\n"


def base_of(reference: str) -> Opened | None:
    suite = copies.suite_of(reference)
    return None if suite is None else image(suite)


def found(text: str) -> list[tuple[str, str, int | None]]:
    return [
        (one.rule, one.level, one.line)
        for one in copies.findings(parse(text), base_of, place="Dockerfile")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # chrt of trixie needs GLIBC_2.41; bullseye has 2.31: tests/contract/test_loader.py
        (
            "FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /usr/bin/chrt /bin/\n",
            [("copy-missing-version", "error", 3)],
        ),
        # ldconfig is static: it runs everywhere
        (
            "FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /sbin/ldconfig /x\n",
            [],
        ),
        (
            f"FROM debian:13 AS a\n{RUN}FROM debian:11-slim\nCOPY --from=a /app /app\n",
            [("copy-newer-glibc", "error", 4)],
        ),
        (
            f"FROM debian:sid AS a\n{RUN}FROM debian:12\nCOPY --from=a /app /app\n",
            [("copy-newer-glibc", "warning", 4)],
        ),
        # older to newer is what glibc promises to run
        (f"FROM debian:11 AS a\n{RUN}FROM debian:13\nCOPY --from=a /app /app\n", []),
        (
            "FROM golang:1.22-trixie AS a\nRUN CGO_ENABLED=0 go build -o /app .\n"
            "FROM debian:bullseye\nCOPY --from=a /app /app\n",
            [],
        ),
        # data is no program
        ("FROM debian:13 AS a\nFROM debian:11\nCOPY --from=a /etc/passwd /p\n", []),
    ],
)
def test_a_copy_that_cannot_run_is_found_before_a_build(
    text: str, expected: list[tuple[str, str, int | None]]
) -> None:
    rules = list(dict.fromkeys(found(text)))
    assert rules == expected
