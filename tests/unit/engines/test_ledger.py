"""What is noted of a user's engine outlives a lab that is killed, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.engines.ledger import Ledger

HERE = "unix:///run/here.sock"
# Says when it has noted all, and is killed then: the pipe that it reads never ends.
KILLED = """
import sys
from pathlib import Path
from lab.engines.ledger import Ledger
made = Ledger.of(Path(sys.argv[1]), sys.argv[2])
made.note("tag", ["a:1", "b:1"])
made.note("text", ["RUN x"])
made.note("tag", ["a:1", "c:1"])
made.drop("text")
made.note("text", ["RUN y"])
print("noted", flush=True)
sys.stdin.read()
"""


def killed(folder: Path, endpoint: str = HERE) -> None:
    command = [sys.executable, "-c", KILLED, str(folder), endpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"noted\n"
        assert not Ledger.of(folder, endpoint).inherited, "its lab is alive"
        process.kill()


@pytest.mark.slow
def test_the_next_lab_of_the_engine_takes_over_what_a_killed_one_noted(tmp_path: Path) -> None:
    killed(tmp_path)
    killed(tmp_path)
    elsewhere = Ledger.of(tmp_path, "unix:///run/elsewhere.sock")
    assert not elsewhere.inherited
    elsewhere.close(settled=True)
    made = Ledger.of(tmp_path, HERE)
    assert made.inherited
    assert made.of_kind("tag") == ["a:1", "b:1", "c:1"]
    assert made.of_kind("text") == ["RUN y"]
    assert len(list(tmp_path.iterdir())) == 1, "one ledger is left of two: its own"
    assert not Ledger.of(tmp_path, HERE).inherited
    made.close(settled=True)
    assert not list(tmp_path.iterdir())


def test_what_is_not_settled_is_left_to_the_next_lab(tmp_path: Path) -> None:
    made = Ledger.of(tmp_path, HERE)
    assert not list(tmp_path.iterdir()), "a lab that makes nothing notes nothing"
    made.note("tag", ["a:1"])
    made.close(settled=False)
    again = Ledger.of(tmp_path, HERE)
    assert again.inherited
    assert again.of_kind("tag") == ["a:1"]
    again.close(settled=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        b'{"tag": ["b',
        b"7",
        b"null",
        b'{"tag": 7}',
        b'{"tag": [{}, [], 7]}',
        b"[[], {}, 7]",
        b"\xff",
    ],
)
def test_a_damaged_line_is_passed_over(damage: bytes, tmp_path: Path) -> None:
    whole = f'"{HERE}"\n{{"tag": ["a:1"]}}\n'.encode()
    (tmp_path / "damaged.jsonl").write_bytes(whole + damage + b'\n{"tag": ["c:1"]}\n')
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "folder.jsonl").mkdir()
    made = Ledger.of(tmp_path, HERE)
    assert made.of_kind("tag") == ["a:1", "c:1"]
    made.close(settled=True)


def test_without_a_folder_nothing_is_on_disk() -> None:
    made = Ledger()
    made.note("tag", ["a:1"])
    assert made.of_kind("tag") == ["a:1"]
    made.close(settled=False)
