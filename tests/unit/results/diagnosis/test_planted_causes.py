"""Causes planted among logs of real tools: the right step and line come first, or nothing is said.

What each cause's line is was written down before anything was diagnosed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.results import store
from tests import log_runs
from tests.log_runs import COMMANDS, Log
from tests.planted_causes import Cause, Steps

pytestmark = pytest.mark.slow

VERSION, SLOW, FLOOD = ("version",), ("slowed",), ("flood",)
CASES = [
    # failed commands
    Cause("make", "sh-notfound", "make-config: not found"),
    Cause("make", "sh-denied", "./gen.sh: Permission denied"),
    Cause("make", "sh-silent", None),
    Cause("make", "make-compile", "dict.c:3:30: error: expected"),
    Cause("make", "make-header", "apps.h: No such file or directory"),
    Cause("make", "make-link", "undefined reference to `list_size'"),
    Cause("make", "make-rule", "No rule to make target 'argv.o'"),
    Cause("make", "make-segfault", "Segmentation fault"),
    Cause("go", "go-compile", "undefined: price"),
    Cause("go", "go-nomodule", "no required module provides package golang.org/x/text/language"),
    Cause("go", "go-wrong", "--- FAIL: TestName"),
    Cause("go", "go-panic", "panic: assignment to entry in nil map"),
    Cause("pip", "pip-sdist", "KeyError: 'BUILD_CONFIG'"),
    # network
    Cause("apt", "apt-resolve", "Err:1 http://deb.debian.invalid"),
    Cause("apt", "apt-proxy", "Unable to connect to 127.0.0.1:9"),
    Cause("pip", "pip-proxy", "Connection refused"),
    Cause("npm", "npm-refused", "failed with ECONNREFUSED"),
    Cause("go", "go-refused", "connect: connection refused"),
    # versions: asked for and not there, in conflict, or simply others than before
    Cause("apt", "apt-version", "E: Version '1.08.2-1' for 'bc' was not found"),
    Cause("apt", "apt-held", "E: Version '1:5.39-3' for 'file' was not found"),
    Cause("apt", "apt-nopackage", "E: Unable to locate package libmagick-nosuch1"),
    Cause("pip", "pip-noversion", "Could not find a version that satisfies the requirement"),
    Cause("pip", "pip-conflict", "Cannot install requests==2.32.3 and urllib3==1.20"),
    Cause("pip", "pip-python", "requires a different Python: 3.11.7"),
    Cause("pip", "pip-hash", "THESE PACKAGES DO NOT MATCH THE HASHES"),
    Cause("npm", "npm-noversion", "No matching version found for lodash@99.0.0"),
    Cause("npm", "npm-noname", "404 Not Found - GET"),
    Cause("npm", "npm-peer", "ERESOLVE unable to resolve dependency tree"),
    Cause("npm", "npm-engine", "Unsupported engine"),
    Cause("pip", "pip-newer", "requests==2.32.4", VERSION),
    Cause("npm", "npm-newer", "express-4.21.2.tgz", VERSION),
    Cause("go", "go-newer", "go version go1.23.9", VERSION),
    Cause("apt", "apt-newer", "590-2.1~deb12u3", VERSION),
    # a slow package, a slow test
    Cause("apt", "apt-slow", "Setting up libmagic1", SLOW),
    Cause("pip", "pip-slow", "Downloading idna-3.20", SLOW),
    Cause("npm", "npm-slow", "registry.example.com/qs/-/qs-", SLOW),
    Cause("go", "go-slow", "example.com/shop/cmd/shop", SLOW),
    # a full disk
    Cause("apt", "apt-disk", "You don't have enough free space"),
    Cause("pip", "pip-disk", "No space left on device"),
    Cause("npm", "npm-disk", "no space left on device"),
    Cause("go", "go-disk", "no space left on device"),
    Cause("make", "make-disk", "No space left on device"),
    # tests that fail now and then
    Cause("go", "go-flaky", "--- FAIL: TestReload"),
    Cause("go", "go-timeout", "panic: test timed out after 3s"),
    # floods of warnings
    Cause("make", "make-warnings", "warning: unused variable", FLOOD),
    Cause("make", "make-conversion", "[-Wconversion]", FLOOD),
    Cause("apt", "apt-warnings", "is configured multiple times", ("flood", "new")),
]


def log(name: str) -> Log:
    """A recorded log, or one that is made of a good one."""
    good = log_runs.logs()
    made = {
        "apt-newer": lambda: good["apt-good4"].replaced("590-2.1~deb12u2", "590-2.1~deb12u3"),
        "apt-slow": lambda: good["apt-good4"].waiting("Setting up libmagic1", 24),
        "pip-slow": lambda: good["pip-good4"].waiting("Downloading idna", 45),
        # What it took is the registry's: the recording is brought to the pace of the others.
        "npm-newer": lambda: good["npm-newer"].paced(0.5),
        "npm-slow": lambda: good["npm-good4"].waiting("/qs/-/qs-", 30),
    }
    return made[name]() if name in made else good[name]


@pytest.fixture(scope="module")
def build() -> Steps:
    return Steps(COMMANDS, log_runs.logs())


@pytest.fixture(scope="module")
def good(build: Steps, tmp_path_factory: pytest.TempPathFactory) -> store.StoredRun:
    return build.good(tmp_path_factory.mktemp("good"))


def test_a_planted_cause_comes_first(build: Steps, good: store.StoredRun, tmp_path: Path) -> None:
    assert len(CASES) >= 40
    found = {
        case.log: build.wrong(case, log(case.log), good, tmp_path / case.log) for case in CASES
    }
    wrong = {name for name, what in found.items() if what}
    # apt names the address that failed before it says why; of many packages that are newer, which
    # one brought the others is not told by the log.
    assert wrong <= {"apt-proxy", "npm-newer"}, found


def test_nothing_is_claimed_of_clean_builds(
    build: Steps, good: store.StoredRun, tmp_path: Path
) -> None:
    for number in range(20):
        assert not build.clean(number, good, tmp_path / str(number)).shown, number
