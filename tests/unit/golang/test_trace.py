"""Reading what strace, the go command's action graph and its cache keys say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.golang.bench import actions, links
from lab.golang.trace import goroot, lookups, perf, strace, why
from lab.model.errors import InputError

LINES = [
    '12 openat(AT_FDCWD, "/go/src/fmt/print.go", O_RDONLY|O_CLOEXEC) = 3 <0.000012>',
    '12 newfstatat(AT_FDCWD, "/go/x\\"y\\303\\251", 0) = -1 ENOENT (No such file) <0.000005>',
    '13 openat(AT_FDCWD, "/cache/ab/runtime.a", O_RDONLY <unfinished ...>',
    "12 --- SIGURG {si_signo=SIGURG} ---",
    "13 <... openat resumed>) = 7 <0.000120>",
    "13 +++ exited with 0 +++",
    "12 close(3) = 0 <0.000001>",
]


def test_calls_are_read_also_where_they_were_cut_in_two() -> None:
    found = list(strace.read(LINES))
    assert [(call.name, call.path, call.error) for call in found] == [
        ("openat", "/go/src/fmt/print.go", None),
        ("newfstatat", '/go/x"yé', "ENOENT"),
        ("openat", "/cache/ab/runtime.a", None),
    ]
    assert [call.took_s for call in found] == [12e-6, 5e-6, 120e-6]


@given(st.lists(st.text(max_size=60)))
def test_any_output_is_read(lines: list[str]) -> None:
    list(strace.read(lines))


def test_what_python_itself_opened(tmp_path: Path) -> None:
    """The oracle is a program that says what it opens."""
    names = [tmp_path / f"file {number}" for number in range(3)]
    code = f"for name in {[str(name) for name in names]!r}: open(name, 'w').close()"
    _, calls = strace.traced([sys.executable, "-c", code], tmp_path / "log")
    opened = [call.path for call in calls if call.name == "openat" and call.error is None]
    assert [path for path in opened if path.startswith(str(tmp_path))] == list(map(str, names))


def test_sums_by_class() -> None:
    seen = goroot.summary(
        list(strace.read(LINES)), goroot="/go", gocache="/cache", project="/home/me"
    )
    by = {one.kind: one for one in seen.classes}
    assert (by["GOROOT source"].opens, by["GOROOT other"].failed) == (1, 1)
    assert by["GOCACHE"].files == 1
    assert seen.runtime_archive_share == 0.5
    assert seen.most == (("/go/src/fmt/print.go", 1),)


def test_classes_do_not_run_into_one_another() -> None:
    assert goroot.classify("/go2/src/x.go", "/go", "/cache", "") == "other"
    assert goroot.classify("/go/pkg/tool/linux_amd64/compile", "/go", "/c", "") == "GOROOT tools"
    assert goroot.classify("/go/bin/go", "/go", "/cache", "") == "GOROOT tools"


def test_calls_between_marks() -> None:
    trace = 'execve("x") = 0\ngetppid() = 4\nreadlink("l") = 1\nopenat(1) = 3\ngetppid() = 4\n'
    assert links.calls_between_marks(trace) == ("readlink", "openat")
    assert links.calls_between_marks("openat(1) = 3\n") == ()


def test_the_first_piece_of_a_key_that_differs() -> None:
    def said(version: str, digest: str, key: str) -> str:
        return (
            f'HASH[build fmt]\nHASH[build fmt]: "{version}"\nHASH /go/x.go: 12\n'
            f'HASH[build fmt]: "file print.go {digest}\\n"\nHASH[build fmt]: {key}\n'
        )

    one = why.keys(said("go1.22", "aa", "11"))
    assert why.changes(one, one) == ()
    (version,) = why.changes(one, why.keys(said("go1.23", "bb", "22")))
    assert why.reason(version) == "the Go version"
    (file,) = why.changes(one, why.keys(said("go1.22", "bb", "33")))
    assert (file.before, why.reason(file)) == ("file print.go aa\\n", "a source file")


def graph(*items: tuple[int, list[int], int, int]) -> str:
    return json.dumps(
        [
            {
                "ID": number,
                "Mode": "build",
                "Package": f"p{number}",
                "Deps": deps,
                "TimeStart": f"2026-11-23T19:00:{start:02d}.123456789Z",
                "TimeDone": f"2026-11-23T19:00:{end:02d}.123456789Z",
                "Cmd": ["compile"] if number % 2 else None,
            }
            for number, deps, start, end in items
        ]
    )


def test_the_critical_path_is_the_longest_chain() -> None:
    found = actions.read(graph((0, [1, 2], 9, 10), (1, [3], 3, 9), (2, [3], 3, 4), (3, [], 0, 3)))
    assert [action.number for action in actions.critical_path(found)] == [3, 1, 0]
    assert actions.compiled(found, of_std=True) == ("p1", "p3")
    assert sum(action.lasted_s for action in actions.critical_path(found)) == pytest.approx(10)


@pytest.mark.slow
def test_a_chain_of_any_length() -> None:
    items = [(n, [n + 1] if n < 4999 else [], n % 50, n % 50 + 1) for n in range(5000)]
    assert len(actions.critical_path(actions.read(graph(*items)))) == 5000


@given(st.text(max_size=80))
def test_what_is_no_graph_is_refused(text: str) -> None:
    try:
        actions.read(text)
    except InputError as error:
        if "not an action graph" not in error.message:
            raise


def test_escapes_of_strace() -> None:
    assert strace.plain("a\\tb\\\\") == "a\tb\\"


PERF = [
    "         ? (         ): go/7103  ... [continued]: execve())                  = 0",
    '     0.053 ( 0.018 ms): go/7103 openat(dfd: CWD, filename: "/go/src/x.go", flags: RDONLY) = 3',
    "     5.703 ( 0.114 ms): go/7104 openat(dfd: CWD, filename: 0xee120, flags: RDONLY|CLOEXEC)   "
    "         = -1 ENOENT (No such file or directory)",
    '   766.328 (         ): asm/7218 openat(dfd: CWD, filename: "/go/y", flags: RDONLY)       ...',
    "   766.400 ( 0.100 ms): go/7103 newfstatat(dfd: CWD, filename: 0xb227c, statbuf: 0xc0)   = 0",
    "   766.328 ( 0.161 ms): asm/7218  ... [continued]: openat())                            = 4",
    "LOST 12 events!",
]


def test_perf_is_read_with_paths_or_without() -> None:
    found = list(perf.read(PERF))
    assert [(call.name, call.path, call.error) for call in found] == [
        ("execve", "", None),
        ("openat", "/go/src/x.go", None),
        ("openat", "", "ENOENT"),
        ("newfstatat", "", None),
        ("openat", "/go/y", None),
    ]
    times = [None, 18e-6, 114e-6, 100e-6, 161e-6]
    assert [call.took_s for call in found] == pytest.approx(times)
    seen = goroot.summary(found, goroot="/go", gocache="/cache", project="/home/me")
    by = {one.kind: one.calls for one in seen.classes}
    assert (by["GOROOT source"], by["GOROOT other"], by[goroot.UNKNOWN]) == (1, 1, 3)
    assert seen.names[0][:2] == ("openat", 3)


@given(st.lists(st.text(max_size=60)))
def test_any_output_of_perf_is_read(lines: list[str]) -> None:
    list(perf.read(lines))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="kernels let only root trace")
def test_perf_counts_what_a_program_opens_and_tells_its_end(tmp_path: Path) -> None:
    code = (
        f"for name in range(7): open('{tmp_path}/' + str(name), 'w').close()\nraise SystemExit(3)"
    )
    done, calls = perf.traced([sys.executable, "-c", code], tmp_path / "log", codes=(3,))
    quiet, fewer = perf.traced([sys.executable, "-c", "raise SystemExit(0)"], tmp_path / "log")
    assert (done.code, quiet.code) == (3, 0)

    def opens(found: tuple[strace.Call, ...]) -> int:
        return sum(call.name == "openat" and call.error is None for call in found)

    assert opens(calls) - opens(fewer) == 7


KEY, OTHER_KEY, SUB = "a" * 64, "b" * 64, "c" * 64
SAID = f"""\
HASH[build fmt]
HASH[build fmt]: "go1.22"
HASH[build fmt]: {KEY}
HASH subkey {KEY} "srcfiles" = {SUB}
# lab.example/app
HASH[build os]: "go1.22"
HASH[build os]: {OTHER_KEY}
"""


def asked(key: str, error: str | None = None, name: str = "openat") -> strace.Call:
    return strace.Call(name, f"/cache/{key[:2]}/{key}-a", error, None)


def test_hits_and_misses_of_the_build_cache() -> None:
    calls = [
        asked(KEY, "ENOENT"),
        asked(KEY),  # written by the build itself: no hit
        asked(OTHER_KEY),
        asked(SUB),
        asked("d" * 64, "ENOENT"),
        asked("e" * 64, "ENOENT", "newfstatat"),
        strace.Call("openat", f"/elsewhere/aa/{KEY}-a", None, None),
    ]
    found = lookups.lookups(calls, SAID, "/cache")
    assert [(one.what, one.hit) for one in found] == [
        ("build fmt", False),
        ("build os", True),
        ("srcfiles", True),
        (lookups.OTHER, False),
    ]
    assert lookups.counts(found)["build"] == (1, 1)
    now = why.keys(SAID)
    before = why.keys(SAID.replace("go1.22", "go1.21").replace(KEY, "f" * 64))
    assert lookups.reasons(found, now, before) == {"the Go version": 1}
    assert lookups.reasons(found, now, now) == {lookups.EQUAL: 1}
    assert lookups.reasons(found, now, {}) == {lookups.UNSEEN: 1}
