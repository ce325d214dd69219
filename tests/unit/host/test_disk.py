"""Files written whole or not at all, and what is no file to be put another in the place of."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from lab.host import disk
from lab.model.errors import StoreError


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    disk.write(tmp_path, "pipe", "told")
    reader.join(timeout=10)
    assert read == [b"told"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_one_and_its_file_is_another(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    disk.write(tmp_path, "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_a_device_gets_what_is_written(tmp_path: Path) -> None:
    disk.write(Path("/dev"), "null", "told")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_fails_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def stopping() -> None:
        with disk.whole(tmp_path / "file", "") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stopping()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


@pytest.mark.parametrize("name", ["", "no/such/folder", "file/below"])
def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as told:
        disk.expect(tmp_path / name, "name another")
    assert str(told.value.remedy).endswith("name another")
    disk.expect(tmp_path / "new", "name another")
    disk.expect(tmp_path / "made" / "new", "name another")
    disk.expect(tmp_path / "file", "name another")
