"""Records kept as Parquet: what they answer is what the records say, whatever happens to either."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.host import own_folders
from lab.model.errors import InputError
from lab.model.record import Build, Image
from lab.results import index
from lab.results.columns import kept as kept_columns
from lab.results.pivot import Pivot, pivot
from tests import factories


def keep(folder: Path, builds: Sequence[Build], torn: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(factories.run(folder.name).to_json()))
    lines = "".join(f"{json.dumps(one.to_json())}\n" for one in builds)
    (folder / "builds.jsonl").write_text(lines + torn)
    return folder


def series(wall: float) -> list[Build]:
    return [
        replace(factories.build(number, wall * number), image=Image(id=f"sha256:{number}"))
        for number in range(1, 9)
    ]


def asked(*folders: Path) -> list[Pivot]:
    questions = [("wall", ["phase"]), ("duration", ["phase", "step"]), ("hit_rate", ["image.id"])]
    return [
        pivot(folders, rows=rows, cols=["run"], baseline="", metric=metric)
        for metric, rows in questions
    ]


def kept(results: Path) -> list[Path]:
    return sorted((results / ".index/columns").glob("*"))


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short runs count as long, and what was just written as old: tests need not wait."""
    monkeypatch.setattr(kept_columns, "LONG", 1)
    monkeypatch.setattr(index, "RECENT", -3600.0)


def test_answers_are_those_of_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resumed = [*series(1.0), series(9.0)[-1]]  # its last build is told twice
    torn = json.dumps(series(5.0)[0].to_json())[:-9]
    folders = [keep(tmp_path / "a", resumed), keep(tmp_path / "b", series(2.0), torn)]
    as_they_lie = asked(*folders)
    assert kept(tmp_path) == []
    monkeypatch.setattr(kept_columns, "LONG", 1)
    monkeypatch.setattr(index, "RECENT", -3600.0)
    assert asked(*folders) == as_they_lie
    assert [one.name.split(".")[0] for one in kept(tmp_path)] == ["a", "b"]
    assert asked(*folders) == as_they_lie
    assert own_folders.is_own(tmp_path / ".index")
    kept(tmp_path)[0].write_bytes(kept(tmp_path)[1].read_bytes())
    assert asked(*folders) != as_they_lie, "what is kept is what was read"


def test_records_that_changed_are_read_anew(tmp_path: Path, long: None) -> None:
    """Of the same size, with their time put back; and replaced by another file."""
    folder = keep(tmp_path / "a", series(1.0))
    lines = folder / "builds.jsonl"
    (before, *_) = asked(folder)
    (first,) = kept(tmp_path)
    times = lines.stat()
    text = lines.read_text().replace('"wall_s": 3.0', '"wall_s": 3.5')
    lines.write_text(text)
    os.utime(lines, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert lines.stat().st_size == times.st_size
    (changed, *_) = asked(folder)
    assert changed != before
    (second,) = kept(tmp_path)
    assert second != first, "what was made of the records before is gone"
    other = tmp_path / "other"
    other.write_text(text.replace('"wall_s": 3.5', '"wall_s": 3.0'))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(lines)
    assert asked(folder)[0] == before


def test_records_within_the_clocks_grain_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_columns, "LONG", 1)
    monkeypatch.setattr(index, "RECENT", 3600.0)
    folder = keep(tmp_path / "a", series(1.0))
    asked(folder)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("harm", ["cut", "empty", "text"])
def test_damaged_columns_are_made_anew(tmp_path: Path, long: None, harm: str) -> None:
    folder = keep(tmp_path / "a", series(1.0))
    before = asked(folder)
    (path,) = kept(tmp_path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no columns"}[harm])
    assert asked(folder) == before
    assert path.read_bytes() == whole


def test_where_nothing_can_be_kept_records_are_read(tmp_path: Path, long: None) -> None:
    folder = keep(tmp_path / "a", series(1.0))
    (tmp_path / ".index").write_text("no folder")
    assert asked(folder)[0].columns == ("a",)


def test_a_mistake_is_told_of_the_records(tmp_path: Path, long: None) -> None:
    folder = keep(tmp_path / "a", series(1.0))
    lines = (folder / "builds.jsonl").read_text().splitlines()
    lines[2] = lines[2].replace('"wall_s": 3.0', '"wall_s": NaN')
    (folder / "builds.jsonl").write_text("".join(f"{one}\n" for one in lines))
    with pytest.raises(InputError, match=r"builds\.jsonl:3"):
        asked(folder)
    assert kept(tmp_path) == []


def test_columns_of_runs_that_are_gone_go_too(tmp_path: Path, long: None) -> None:
    folders = [keep(tmp_path / name, series(1.0)) for name in "ab"]
    asked(*folders)
    for path in folders[0].iterdir():
        path.unlink()
    folders[0].rmdir()
    keep(folders[1], series(2.0))
    asked(folders[1])
    assert [one.name.split(".")[0] for one in kept(tmp_path)] == ["b"]
