"""A lab in bad surroundings: disks that fail, an environment that lacks everything, a neighbour."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.chaos import killed_verbs, kills, starved
from tests.chaos.leftovers import Place, left

RUN = killed_verbs.verb("run", ExitStack())
STEPPED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
/* The time of day goes back by an hour each 7 questions, and forward again. */
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    static int asked;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, at);
    if (id == CLOCK_REALTIME && (++asked / 7) % 2) at->tv_sec -= 3600;
    return code;
}
"""
BARE = 'umask 077; exec "$@" >&-'


def test_a_disk_that_is_full_is_told_and_the_run_goes_on_once_it_has_room() -> None:
    assert not starved.once(starved.bytes_left(24))


def test_a_fault_that_is_not_told_is_found() -> None:
    fault = starved.bytes_left(1)
    assert starved.told(10, "lab: no space\n  next: free some\n", fault)
    assert not starved.told(1, "lab: no space\n  next: free some\n", fault)
    assert not starved.told(10, "lab: no space\n", fault)
    assert not starved.told(10, "Traceback\nlab: no space\n  next: free some\n", fault)
    assert list(starved.torn(b'{"a": 1}\n{"a"\n')) == ["builds.jsonl:2 is torn"]


def test_a_run_needs_nothing_of_its_environment(tmp_path: Path) -> None:
    """No HOME, no words but ASCII, no terminal, a mask that hides all, no output to write to."""
    place = Place(tmp_path)
    RUN.prepare(place)
    bare = {name: text for name, text in place.environment.items() if name != "HOME"}
    bare |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(kills.ROOT)}
    bare |= {"LANG": "C", "LC_ALL": "C", "TERM": "dumb", "PYTHONUTF8": "0"}
    done = subprocess.run(
        ["sh", "-c", BARE, "sh", sys.executable, "-m", "lab", *RUN.words(place)],
        cwd=place.folder,
        env=bare,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not RUN.wrong(place, b"")
    assert not left(place)
    (records,) = place.results.glob("*/builds.jsonl")
    assert stat.S_IMODE(records.stat().st_mode) == 0o600


def test_neighbours_in_one_results_folder_and_ctrl_c_twice(tmp_path: Path) -> None:
    place = Place(tmp_path)
    RUN.prepare(place)
    first, other = (kills.start(place, RUN.words(place)) for _ in range(2))
    assert starved.first_record(place)
    for _ in range(2):
        os.killpg(other.pid, signal.SIGINT)
    assert kills.ended(other)[0] == 130
    assert kills.ended(first)[0] == 0
    heads = {path: json.loads(path.read_text()) for path in place.results.glob("*/run.json")}
    assert sorted(head["status"] for head in heads.values()) == ["complete", "partial"]
    (partial,) = (path.parent for path, head in heads.items() if head["status"] == "partial")
    code, _, err = kills.ended(kills.start(place, ["run", "--resume", str(partial), "--quiet"]))
    assert (code, err) == (0, "")
    for path in heads:
        alone = Place(tmp_path / path.parent.name)
        alone.results.mkdir(parents=True)
        path.parent.rename(alone.results / path.parent.name)
        assert not RUN.wrong(alone, b"")
    assert not left(place)


def test_a_clock_that_steps_loses_nothing_and_makes_no_time_negative(tmp_path: Path) -> None:
    place = Place(tmp_path)
    RUN.prepare(place)
    library = tmp_path / "stepped.so"
    compiled = ["gcc", "-shared", "-fPIC", "-o", str(library), "-xc", "-", "-ldl"]
    subprocess.run(compiled, input=STEPPED, text=True, check=True)
    code, _, err = kills.ended(kills.start(place, RUN.words(place), {"LD_PRELOAD": str(library)}))
    assert (code, err) == (0, "")
    assert not RUN.wrong(place, b"")
    (lines,) = place.results.glob("*/builds.jsonl")
    builds = [json.loads(line) for line in lines.read_text().splitlines()]
    hours = {build["started"][11:13] for build in builds}
    assert len(hours) > 1  # it did step
    figures = [build[name] for build in builds for name in ("wall_s", "cpu_s", "steps_s")]
    assert all(value is None or 0 <= value < 600 for value in figures)
    assert not left(place)
