"""Copies between stages of different bases, judged before anything is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.dockerfile.parser import parse
from lab.images import copies
from lab.images.opened import Opened, empty
from tests.contract.debian import image

DYNAMIC = [("copy-newer-glibc", "error", 4)]
RUN = "RUN gcc -o /app main.c\n"


def base_of(reference: str) -> Opened | None:
    if reference == "scratch":
        return empty()
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
        # an image that is no stage
        (
            "FROM debian:bullseye\nCOPY --from=debian:trixie /usr/bin/chrt /bin/\n",
            [("copy-missing-version", "error", 2)],
        ),
        # a library, under the name of the link that was copied; of trixie's, zlib runs on 2.14
        (
            "FROM debian:trixie AS a\nFROM debian:bullseye\n"
            "COPY --from=a /usr/lib/x86_64-linux-gnu/libselinux.so.1 /usr/lib/\n"
            "COPY --from=a /usr/lib/x86_64-linux-gnu/libz.so.1 /usr/lib/\n",
            [("copy-missing-version", "warning", 3)],
        ),
        (
            "FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /usr/bin/chr* /x/\n",
            [("copy-missing-version", "error", 3)],
        ),
        # a whole folder: one finding
        (
            "FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /bin /x\n",
            [("copy-missing-version", "error", 3)],
        ),
        # what the base brings is not what the stage builds
        (f"FROM debian:13 AS a\n{RUN}FROM debian:11\nCOPY --from=a /etc/default /x\n", []),
        (f"FROM debian:13 AS a\n{RUN}FROM scratch\nCOPY --from=a /app /app\n", DYNAMIC),
        # Go links statically unless a package with C is in it
        (
            "FROM golang:1.22-trixie AS a\nRUN go build -o /app .\n"
            "FROM scratch\nCOPY --from=a /app /app\n",
            [("copy-newer-glibc", "warning", 4)],
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


def test_a_folder_of_programs_is_one_finding_with_its_count() -> None:
    text = "FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /usr/bin /opt/x/\n"
    (one,) = copies.findings(parse(text), base_of, place="Dockerfile")
    assert "copied from stage a cannot be run on bullseye: " in one.message
    assert "more of the" in one.message
    assert "that land in /opt/x/" in one.message


def test_a_dockerfile_with_such_a_copy_is_limited_and_ends_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian:trixie AS a\nFROM debian:bullseye\nCOPY --from=a /bin/cp /x\n")
    with pytest.raises(SystemExit) as stop:
        main(["validate", str(path), "--format", "json", "--results", str(tmp_path / "results")])
    assert stop.value.code == 3
    said = capsys.readouterr()
    (found,) = json.loads(said.out)
    (verdict,) = found["verdicts"]
    assert verdict["verdict"] == "runs with limits"
    assert f"{path}: /x copied from stage a cannot be run on bullseye" in verdict["why"][0]
    assert f"{path}:3: /x copied from stage a cannot be run" in said.err
    assert any(row["name"] == "clone3" for row in found["rows"]), "its base was probed"
