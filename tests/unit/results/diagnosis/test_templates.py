"""What stays of a line, and what of it is a secret."""

from __future__ import annotations

import pytest

from lab.results.diagnosis.secrets import MASK, masked
from lab.results.diagnosis.templates import Templates, clean, template, versions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fetched 12.3 MB in 2s (6,123 kB/s)", "Fetched 9.1 kB in 64s (12.1 kB/s)"),
        ("2026-11-28T10:00:00.123Z up", "2025-01-02 03:04:05 up"),
        ("-> 4f1c9a2 done", "-> 99aa00bcd1 done"),
        ("wrote /tmp/pip-install-ab/x.py: ok", "wrote /tmp/go-build991/x: ok"),
        ("ok  \tshop/cart\t0.012s", "ok  \tshop/cart\t1.9s"),
        ("Setting up less (590-2.1~deb12u2) ...", "Setting up less (608-1) ..."),
        ("connect 10.0.0.1:443", "connect 192.168.1.20:80"),
    ],
)
def test_lines_that_differ_in_what_varies_have_one_template(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("--- PASS: TestA (0.00s)", "--- FAIL: TestA (0.00s)"),
        ("Unpacking less (590-2)", "Unpacking file (590-2)"),
        ("x.go:3: undefined: a", "x.go:3: undefined: b"),
    ],
)
def test_other_words_are_another_template(one: str, other: str) -> None:
    assert template(one) != template(other)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Setting up libfoo2:amd64 (1:2.36-9+deb12u4) ...", ("1:2.36-9+deb12u4",)),
        ("Successfully installed requests-2.31.0 idna-3.4", ("2.31.0", "3.4")),
        ("go: downloading golang.org/x/text v0.14.0", ("0.14.0",)),
        ("go version go1.22.3 linux/amd64", ("1.22.3",)),
        ("Fetched 12.3 MB in 2.5s", ()),
        ("now it is 1.2.3.", ("1.2.3",)),
    ],
)
def test_versions_are_read(line: str, found: tuple[str, ...]) -> None:
    assert versions(line) == found


def test_a_line_is_what_a_terminal_would_leave() -> None:
    assert clean("\x1b[91m 10 %\r100 %\x1b[0m\r") == "100 %"


def test_lines_that_differ_in_digits_alone_are_looked_up_once() -> None:
    known = Templates()
    first, second = "Get:1 x amd64 1.2-3 [4 kB]", "Get:22 x amd64 5.6-7 [88 kB]"
    assert known.of(first) == known.of(second) == template(second)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("password=hunter2 next", "hunter2"),
        ("DB_PASSWORD: 's3cr3t'", "s3cr3t"),
        ("curl -H 'Authorization: Bearer abcdefgh12345'", "abcdefgh12345"),
        ("fetching https://me:pass@host/x", "me:pass"),
        ("cloning https://ghp_abcdefghijklmnopqrstuvwx@github.com/x", "ghp_abc"),
        ("login --password foo", "foo"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABC"),
        ("npm_config_token=abc123", "abc123"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig_nature", "eyJ"),
    ],
)
def test_secrets_are_masked(line: str, secret: str) -> None:
    assert secret not in masked(line)
    assert MASK in masked(line)


@pytest.mark.parametrize(
    "line",
    ["tokens: 5 passed", "secret found", "author: John", "https://host/a@1.2", "basic setup"],
)
def test_plain_lines_stay(line: str) -> None:
    assert MASK not in masked(line)
