"""The results folder: nothing recorded is lost, nothing corrupt passes."""

from __future__ import annotations

import errno
import gzip
import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.model.errors import DiskFull, InputError, StoreError
from lab.model.events import Outcome
from lab.model.record import Build, HostFacts, Image, Run
from lab.results import columns, runs, store
from tests import factories


def run(name: str = "20261123-101502-demo") -> Run:
    text = replace(factories.RUN.scenario, name="demo", text="é\ud800")
    return factories.run(name, status="partial", scenario=text, host=HostFacts(cpus=2), engines=())


def build(name: str = "b1", reason: str | None = None) -> Build:
    return factories.build(
        wall=1.5,
        id=name,
        reason=reason,
        image=Image(id="sha256:1", size_bytes=3),
        steps=(factories.step(0, "RUN x\u2028y", outcome=Outcome.HIT),),
    )


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    with store.create(tmp_path / "new" / "results", run()) as writer:
        writer.begin("b1")
        writer.raw(0.25, b'{"stream":"hello"}')
        writer.raw(0.5, b'{\n"stream":"two lines"}')
        kept = writer.append(build(), "FROM scratch\n")
        writer.append(build("b2"), "FROM scratch\n")
        writer.amend(replace(writer.run, seed=2))
        ended = writer.finish("complete", broken=["too slow"])
    stored = store.load("latest", tmp_path / "new" / "results")
    assert ended == stored
    assert stored.builds == (kept, replace(kept, id="b2"))
    assert (stored.run.status, stored.run.seed, stored.run.broken) == ("complete", 2, ("too slow",))
    assert stored.run.finished
    assert stored.run.scenario.text == "é\ud800"
    assert list(store.events(stored.folder, "b1")) == [
        (0.25, {"stream": "hello"}),
        (0.5, {"stream": "two lines"}),
    ]
    assert list(store.events(stored.folder, "b2")) == []
    assert kept.dockerfile
    assert (stored.folder / kept.dockerfile).read_text() == "FROM scratch\n"
    assert len(list((stored.folder / "dockerfiles").iterdir())) == 1


def test_a_record_is_on_disk_before_append_returns(tmp_path: Path) -> None:
    writer = store.create(tmp_path, run())
    writer.append(build())
    assert len(store.load("latest", tmp_path).builds) == 1
    assert store.load("latest", tmp_path).run.status == "partial"
    writer.close()
    writer.close()


def test_ids_are_unique_and_safe(tmp_path: Path) -> None:
    at = datetime(2026, 11, 23, 10, 15, 2, tzinfo=UTC)
    assert store.new_id("Layer Cache/../x", at) == "20261123-101502-layer-cache-x"
    assert store.new_id("é", at) == "20261123-101502-run"
    with store.create(tmp_path, run()) as one, store.create(tmp_path, run()) as two:
        assert two.run.id == f"{one.run.id}-2"
        two.begin("../../../escape")
        two.raw(0, b"{}")
        two.append(build("../../../escape"))
        assert [path.parent for path in (two.folder / "events").iterdir()] == [
            two.folder / "events"
        ]
        assert list(store.events(two.folder, "../../../escape")) == [(0, {})]


def test_runs_are_found_by_folder_id_and_prefix(tmp_path: Path) -> None:
    for name in ("20261101-000000-a", "20261102-000000-a", "20261102-000000-b"):
        store.create(tmp_path, run(name)).close()
    assert store.find("20261101", tmp_path).name == "20261101-000000-a"
    assert store.find(tmp_path / "20261102-000000-a", Path("nowhere")).name == "20261102-000000-a"
    assert store.find("latest", tmp_path).name == "20261102-000000-b"
    with pytest.raises(InputError, match="more than one") as caught:
        store.load("20261102", tmp_path)
    assert "20261102-000000-a" in str(caught.value.remedy)
    with pytest.raises(InputError, match="names no run") as caught:
        store.load("20261101-000000-x", tmp_path)
    assert "20261101-000000-a" in str(caught.value.remedy)
    with pytest.raises(InputError, match="no runs"):
        store.load("latest", tmp_path / "empty")


def test_the_latest_run_is_the_one_that_started_last(tmp_path: Path) -> None:
    for name, started in (("20261101-000000-a", "2026-11-01"), ("20261102-000000-a", "2026-11-02")):
        store.create(tmp_path, replace(run(name), started=started)).close()
    (tmp_path / "20261101-000000-a").rename(tmp_path / "sample")  # sorts behind every date
    assert store.find("latest", tmp_path).name == "20261102-000000-a"


def test_a_torn_last_line_is_dropped_and_a_run_goes_on(tmp_path: Path) -> None:
    with store.create(tmp_path, run()) as writer:
        writer.append(build())
    lines = writer.folder / "builds.jsonl"
    lines.write_bytes(lines.read_bytes() + lines.read_bytes()[:40])
    stored = store.load("latest", tmp_path)
    assert len(stored.builds) == 1
    assert "builds.jsonl:2" in stored.notes[0]
    with store.resume(writer.folder) as again:
        assert [b.id for b in again.earlier] == ["b1"]
        again.append(build("b2"))
        again.append(build("b2", reason="repeated"))
        again.finish("complete")
    stored = store.load("latest", tmp_path)
    assert [(b.id, b.reason) for b in stored.builds] == [("b1", None), ("b2", "repeated")]
    assert stored.notes == ()
    with pytest.raises(InputError, match="complete"):
        store.resume(writer.folder)


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"schema":"lab.build/9"}', "\x00\x00"])
def test_other_corruption_names_file_and_line(tmp_path: Path, line: str) -> None:
    with store.create(tmp_path, run()) as writer:
        writer.append(build())
    lines = writer.folder / "builds.jsonl"
    lines.write_text(lines.read_text() + line + "\n")
    with pytest.raises(InputError, match=r"builds\.jsonl:2"):
        store.load("latest", tmp_path)
    (writer.folder / "run.json").write_text('{\n"schema": \n')
    with pytest.raises(InputError, match=r"run\.json:3"):
        store.load("latest", tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wall_s", "x"),
        ("phase", None),
        ("notes", 3),
        ("wall_s", float("nan")),
        ("cpu_s", float("inf")),
        ("round", [1]),
        ("cell", []),
        ("steps", [{"index": 1, "stage": "0", "instruction": "RUN a", "outcome": None,
                    "duration_s": "1"}]),
    ],
)  # fmt: skip
def test_a_field_of_another_type_names_file_and_line(
    tmp_path: Path, field: str, value: object
) -> None:
    with store.create(tmp_path, run()) as writer:
        writer.append(build())
    lines = writer.folder / "builds.jsonl"
    lines.write_text(json.dumps(json.loads(lines.read_text()) | {field: value}) + "\n")
    with pytest.raises(InputError, match=r"builds\.jsonl:1: not a record"):
        store.load("latest", tmp_path)


@pytest.mark.parametrize("text", ["seed", "depth"])
def test_a_head_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    with store.create(tmp_path, run()) as writer:
        head = writer.folder / "run.json"
    changed = json.dumps(json.loads(head.read_text()) | {"seed": "a"})
    head.write_text(changed if text == "seed" else "[" * 100_000)
    for read in (store.read, lambda folder: columns.heads([folder])):
        with pytest.raises(InputError, match=r"run\.json:1: not a record") as caught:
            read(writer.folder)
        assert "line" not in (caught.value.remedy or "line")  # a head has no line to spare


@pytest.mark.parametrize("damaged", [b"no gzip", gzip.compress(b'{"steps": 1}', mtime=0), None])
def test_a_damaged_manifest_is_told_with_what_it_costs(
    tmp_path: Path, damaged: bytes | None
) -> None:
    path = tmp_path / "manifest.json.gz"
    if damaged is not None:
        path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"manifest\.json\.gz") as caught:
        runs.manifest(path)
    remedy = caught.value.remedy or ""
    assert "cannot be explained" in remedy
    assert "line" not in remedy
    assert "remove" not in remedy  # without it, what names it cannot be read either


@pytest.mark.slow
def test_a_crash_in_a_stream_leaves_what_came_before(tmp_path: Path) -> None:
    with store.create(tmp_path, run()) as writer:
        writer.begin("b1")
        for number in range(20_000):
            writer.raw(number, json.dumps({"n": os.urandom(8).hex()}).encode())
    path = next((writer.folder / "events").iterdir())
    path.write_bytes(path.read_bytes()[:-50_000])
    found = list(store.events(writer.folder, "b1"))
    assert 0 < len(found) < 20_000


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with store.create(tmp_path, run()) as writer, pytest.raises(StoreError, match="another lab"):
        store.resume(writer.folder)
    store.resume(writer.folder).close()


def test_an_unusable_results_folder_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        store.create(tmp_path / "file" / "results", run())
    assert "--results" in str(caught.value.remedy)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 100:
            return real(fd, bytes(data[:100]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with store.create(tmp_path, run()) as writer:
        writer.append(build())
        size = (writer.folder / "builds.jsonl").stat().st_size
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(DiskFull):
            writer.append(build("b2", reason="long" * (25 - 0)))
        monkeypatch.undo()
        assert (writer.folder / "builds.jsonl").stat().st_size == size
        writer.append(build("b3"))
    assert [b.id for b in store.load("latest", tmp_path).builds] == ["b1", "b3"]


@pytest.mark.slow
def test_a_reader_never_sees_half_a_head(tmp_path: Path) -> None:
    with store.create(tmp_path, run()) as writer:
        over = threading.Event()

        def amend() -> None:
            for seed in range(100):
                writer.amend(replace(writer.run, seed=seed))
            over.set()

        thread = threading.Thread(target=amend)
        thread.start()
        while not over.is_set():
            store.load("latest", tmp_path)
        thread.join()
    assert not [p for p in writer.folder.iterdir() if p.name.startswith(".")]
