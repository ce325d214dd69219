"""Kill -9 of the lab: a few moments of each verb, and that what was left behind is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.host import temporary
from lab.host.disk import write
from tests.chaos import killed_verbs, kills
from tests.chaos.killed_verbs import PHASES, VALUES
from tests.chaos.leftovers import Place, left

ENGINE = "docker-x1y2z3"


@pytest.mark.parametrize(
    ("name", "number", "moments"), [("run", 1, 60), ("run", 3, 60), ("import", 5, 40)]
)
def test_what_a_kill_interrupts_goes_on_and_leaves_nothing(
    name: str, number: int, moments: int
) -> None:
    with ExitStack() as stack:
        verb = killed_verbs.verb(name, stack)
        kill = kills.once(verb, name, number, 1, (moments, 1.0))
    assert kill.died
    assert not kill.wrong


def planted(place: Place, stack: ExitStack) -> Iterator[str]:
    """One of each kind of thing that a lab could leave."""
    sleeping = subprocess.Popen(["sleep", "60"], env={"LAB_CACHE": str(place.cache)})
    stack.callback(sleeping.wait)
    stack.callback(sleeping.kill)
    yield "process"
    (place.cache / "engines" / ENGINE).mkdir(parents=True)
    yield "folder"
    (place.results / "20261129-000000-x").mkdir(parents=True)
    yield "no run"
    (place.results / ".run.json.abcd1234").touch()
    yield "draft"
    mounted, image = place.folder / "mounted", place.folder / "image"
    mounted.mkdir()
    image.write_bytes(bytes(1 << 20))
    run("mount", "-t", "tmpfs", "tmpfs", mounted)
    stack.callback(run, "umount", mounted)
    yield "mount"
    device = run("losetup", "--find", "--show", image)
    stack.callback(run, "losetup", "--detach", device)
    yield "loop"
    group = next(path.parent for path in Path("/sys/fs/cgroup").glob("**/cgroup.procs"))
    (group / f"lab-{ENGINE}").mkdir()
    stack.callback((group / f"lab-{ENGINE}").rmdir)
    yield "group"


def run(*words: object) -> str:
    done = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_every_kind_of_leak_is_counted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with ExitStack() as stack:
        kinds = []
        for kind in planted(place, stack):
            kinds.append(kind)
            assert {
                next(k for k in kinds if one.startswith(k)) for one in left(place, [ENGINE])
            } == {*kinds}, kind
    assert len(kinds) == 7


def test_what_is_lost_doubled_or_not_ended_is_found(tmp_path: Path) -> None:
    place, verb = Place(tmp_path), killed_verbs.verb("run", ExitStack())
    folder = place.results / "20261129-000000-x"
    (folder / "events").mkdir(parents=True)
    cases = [(one, number, phase) for one in VALUES for number in (1, 2) for phase in PHASES]
    lines = [
        json.dumps(
            {"id": str(at), "cell": {"AXIS": one}, "round": number, "phase": phase, "status": "ok"}
        )
        for at, (one, number, phase) in enumerate(cases)
    ]
    for at in range(len(cases)):
        (folder / "events" / f"{at}.jsonl.gz").touch()

    def wrong(lines: list[str], before: list[str], status: str = "complete") -> str:
        head = {"status": status, "builds": len(cases)}
        (folder / "run.json").write_text(json.dumps(head))
        (folder / "builds.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return " ".join(verb.wrong(place, "".join(f"{line}\n" for line in before).encode()))

    assert wrong(lines, lines[:4]) == ""
    assert wrong([*lines[:2], *lines], lines[:2]) == ""  # a trial that is built anew
    assert "doubled" in wrong([*lines[:3], *lines], lines[:3])
    assert "lost" in wrong(lines[:-1], lines[:4])
    assert "lost" in wrong(lines[1:], lines[:4])
    assert "partial" in wrong(lines, [], "partial")


HOLDER = """
import sys, time
from pathlib import Path
from lab.host import disk, temporary
place = Path(sys.argv[1])
with disk.whole(place / "report.html", ""):
    held = temporary.make(place, ".new-")
    with temporary.folder("go", place):
        print("there", flush=True)
        time.sleep(60)
"""


def test_what_a_dead_lab_held_is_cleared_and_what_a_live_one_holds_is_not(tmp_path: Path) -> None:
    def names() -> list[str]:
        return sorted(path.name[:9] for path in tmp_path.iterdir())

    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(kills.ROOT)},
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"there\n"
        for prefix in (".new-", "lab-go-"):
            temporary.sweep(tmp_path, prefix)
        write(tmp_path, "report.html", "mine")

        assert len(names()) == 4
        holder.kill()
    for prefix in (".new-", "lab-go-"):
        temporary.sweep(tmp_path, prefix)
    write(tmp_path, "report.html", "mine")
    assert names() == ["report.ht"]
