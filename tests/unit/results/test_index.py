"""The index of many runs: it says what the runs' files say now, whatever happens to either."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.host import own_folders
from lab.model.errors import InputError
from lab.model.record import Build, Cache, Image
from lab.results import columns, figures, index, runs
from lab.results.columns import parts
from lab.results.pivot import fields
from tests import factories


def keep(results: Path, name: str, builds: list[Build]) -> Path:
    """A run on disk, without what makes one last."""
    folder = results / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(factories.run(name).to_json()))
    (folder / "builds.jsonl").write_text("".join(f"{json.dumps(b.to_json())}\n" for b in builds))
    return folder


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was just written counts as old: tests need not wait."""
    monkeypatch.setattr(index, "RECENT", -3600.0)


def lengths(asked: list[str]) -> index.Kind:
    """A kind of row that remembers for which runs it was made."""

    def make(folder: Path) -> index.Row:
        asked.append(folder.name)
        return {"length": (folder / "builds.jsonl").stat().st_size}

    return index.Kind(name="length", version=1, make=make)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(index.FEW + 1):
        keep(tmp_path / "results", f"r{number:03}", [factories.build(1, float(number + 1))])
    return tmp_path / "results"


def test_each_run_is_read_once(many: Path, past: None) -> None:
    asked: list[str] = []
    first = index.rows(many, lengths(asked))
    assert list(first) == sorted(asked)
    assert index.rows(many, lengths(again := [])) == first
    assert again == []


def test_of_few_runs_nothing_is_kept(tmp_path: Path, past: None) -> None:
    keep(tmp_path, "one", [factories.build()])
    index.rows(tmp_path, lengths([]))
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_what_changed_just_now_is_read_anew(many: Path) -> None:
    for _ in range(2):
        asked: list[str] = []
        index.rows(many, lengths(asked))
        assert len(asked) == index.FEW + 1


def another(path: Path) -> None:
    """The same size, and the time of change put back: only the inode's own time tells."""
    at = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"wall_s": 7.0', b'"wall_s": 9.0'))
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))


def replaced(path: Path) -> None:
    at = path.stat()
    draft = path.with_suffix(".draft")
    draft.write_bytes(path.read_bytes().replace(b'"wall_s": 7.0', b'"wall_s": 9.0'))
    os.utime(draft, ns=(at.st_atime_ns, at.st_mtime_ns))
    draft.replace(path)


def appended(path: Path) -> None:
    with path.open("a") as file:
        for number in (2, 3):
            file.write(json.dumps(factories.build(number, 9.0).to_json()) + "\n")


@pytest.mark.parametrize("change", [another, replaced, appended])
def test_a_row_of_another_file_is_not_believed(
    many: Path, past: None, change: Callable[[Path], None]
) -> None:
    known = index.Known()
    for _ in range(2):
        before = figures.summaries(many, known)["r006"]
        assert not isinstance(before, InputError)
        assert before.of("wall") == [[7.0, 1]]
    change(many / "r006" / "builds.jsonl")
    for memory in (known, None):
        after = figures.summaries(many, memory)["r006"]
        assert not isinstance(after, InputError)
        ((middle, _),) = [one for one in after.of("wall") if one]
        assert middle == 9.0


def test_a_run_that_is_gone_or_new_is_seen(many: Path, past: None) -> None:
    index.rows(many, lengths([]))
    (many / "r003").rename(many / "s003")
    found = index.rows(many, lengths([]))
    assert "r003" not in found
    assert list(found)[-1] == "s003"


def test_what_is_no_index_is_made_anew(many: Path, past: None) -> None:
    path = many / index.FOLDER / index.FILE
    index.rows(many, lengths([]))
    good = path.read_bytes()
    for bad in (b"no database", good[:100], good[:5000] + bytes(2000) + good[7000:]):
        path.write_bytes(bad)
        for _ in range(3):
            found = index.rows(many, lengths([]))
            assert len(found) == index.FEW + 1
        index.rows(many, lengths(asked := []))
        assert asked == []


def test_rows_of_another_version_are_made_anew(many: Path, past: None) -> None:
    index.rows(many, lengths([]))
    index.rows(many, replace(lengths(asked := []), version=2))
    assert len(asked) == index.FEW + 1


def test_where_nothing_can_be_kept_the_answer_is_the_same(many: Path, past: None) -> None:
    (many / index.FOLDER).write_text("a file where the folder should be")
    found = index.rows(many, lengths([]))
    assert found["r000"] == {"length": (many / "r000" / "builds.jsonl").stat().st_size}


@pytest.mark.slow
def test_another_process_that_writes_is_waited_for_no_longer_than_it_takes(
    many: Path, past: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.rows(many, lengths([]))
    monkeypatch.setattr(index, "_WAIT_S", 0.05)
    with sqlite3.connect(many / index.FOLDER / index.FILE) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert len(index.rows(many, lengths([]))) == index.FEW + 1


def test_many_may_write_at_once(many: Path, past: None) -> None:
    found: list[dict[str, index.Row | InputError]] = []

    def look() -> None:
        found.append(index.rows(many, lengths([])))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 8
    assert all(one == found[0] for one in found)
    index.rows(many, lengths(asked := []))
    assert asked == []


def test_a_corrupt_run_is_an_answer_that_is_not_kept(many: Path, past: None) -> None:
    path = many / "r005" / "builds.jsonl"
    good = path.read_text()
    path.write_text(good.replace('"wall_s": 6.0', '"wall_s": "x"'))
    for _ in range(2):
        found = figures.summaries(many)["r005"]
        assert isinstance(found, InputError)
        assert "builds.jsonl:1" in found.message
    path.write_text(good)
    assert not isinstance(figures.summaries(many)["r005"], InputError)


def test_in_a_context_that_is_measured_it_does_not_count(many: Path, past: None) -> None:
    index.rows(many, lengths([]))
    assert (many / index.FOLDER).is_dir()
    assert own_folders.is_own(many)


CACHES = (None, Cache(hits=0, misses=0, skipped=2), Cache(hits=1, misses=2, skipped=0))


def drawn(rng: random.Random) -> list[Build]:
    """Builds of all sorts: some failed, disturbed, warm-up, without figures, told twice."""
    found = []
    for number in range(rng.randrange(1, 40)):
        build = factories.build(
            number,
            rng.choice([None, rng.uniform(0.1, 9), 3]),
            phase=rng.choice(["cold", "rebuild"]),
            cell={"engine": rng.choice(["docker", "podman"]), "base": "bookworm"},
            warm_up=rng.random() < 0.2,
            cpu_s=rng.choice([None, 0.0, rng.uniform(0.1, 9)]),
            cache=rng.choice(CACHES),
            image=rng.choice([None, Image(id="x"), Image(id="x", size_bytes=rng.randrange(9**12))]),
            peak_memory_bytes=rng.choice([None, rng.randrange(10**10)]),
            critical_path_s=rng.choice([None, rng.uniform(0.1, 9)]),
            unattributed_s=rng.choice([None, rng.uniform(0.1, 9)]),
        )
        fit = rng.choice([None, "fit", "degraded: a", "unfit: b"])
        found.append(replace(build, fit=fit, status=rng.choice(["ok", "ok", "ok", "failed"])))
    return [*found, *rng.sample(found, min(len(found), rng.randrange(2)))]


@pytest.mark.slow
@pytest.mark.parametrize("metric", figures.METRICS)
def test_medians_are_those_that_duckdb_computes(tmp_path: Path, metric: str) -> None:
    rng = random.Random(metric)
    for number in range(20):
        keep(tmp_path, f"r{number:02}", drawn(rng))
    heads = [(runs.head(tmp_path / name), tmp_path / name) for name in runs.runs(tmp_path)]
    sql = (
        "SELECT run, cell, phase, median(value), count(*) FROM (SELECT *, "  # noqa: S608 (our own)
        f"CAST({fields.METRICS[metric].sql} AS DOUBLE) AS value FROM builds "
        f"WHERE {columns.MEASURED_BUILDS} AND (fit IS NULL OR fit = 'fit')) "
        "WHERE value IS NOT NULL GROUP BY ALL"
    )
    with columns.opened(heads, parts.read(fields.METRICS[metric].parts)) as records:
        expected = {
            (run, tuple(sorted(cell.items())), phase): (pytest.approx(middle, rel=1e-15), count)
            for run, cell, phase, middle, count in records.rows(sql)
        }
    found = {}
    for name, summary in figures.summaries(tmp_path).items():
        assert not isinstance(summary, InputError)
        named = figures.groups(summary.groups)
        for (cell, phase), middle in zip(named, summary.of(metric), strict=False):
            if middle is not None:
                found[name, tuple(cell.items()), phase] = tuple(middle)
    assert found == expected
    assert len(found) > 20
    assert max(count for _, count in found.values()) > 2
