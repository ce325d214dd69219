"""What other tools read: each format read back by a reader that is not the lab's."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.cli import main
from lab.model.record import RunStatus
from lab.results.gate import go_files
from tests.factories import build
from tests.gate_runs import record

WALLS = [10.0, 11.5, 12.25]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    builds = [
        replace(build(at, wall), cpu_s=wall / 2, cell={"engine": 'a "b"\\', "CGO ENABLED": "0"})
        for at, wall in enumerate(WALLS, 1)
    ]
    bad = replace(build(4, 1.0), status="failed", reason="x", wall_s=None)
    return record(tmp_path / "run", [], builds=[*builds, bad])


def export(run: Path, name: str, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main.main(["export", str(run), "--format", name, *words])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("status", ["complete", "partial", "failed"])
def test_a_run_without_builds_is_refused_with_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: RunStatus
) -> None:
    empty = record(tmp_path / "empty", [], status=status)
    with pytest.raises(SystemExit) as ended:
        main.main(["export", str(empty), "--format", "csv"])
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2
    # A run that is complete is not resumed.
    step = "bring that file back" if status == "complete" else f"lab run --resume {empty}"
    assert f"next: {step}" in said


def test_a_torn_last_line_is_told_beside_the_export(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (run / "builds.jsonl").open("a") as file:
        file.write('{"schema": ')
    with pytest.raises(SystemExit) as ended:
        main.main(["export", str(run), "--format", "csv"])
    said = capsys.readouterr()
    assert (ended.value.code, "torn" in said.out, "torn" in said.err) == (0, False, True)


def test_benchstat_text_is_go_benchmark_format(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = export(run, "benchstat", capsys)
    for line in text.splitlines()[:-1]:
        assert re.fullmatch(r"[a-z-]+: .+|Benchmark\S+\t1(\t[\d.e+-]+ \S+)+", line)
    (tmp_path / "bench.txt").write_text(text)
    read = go_files.read(tmp_path / "bench.txt")
    assert isinstance(read, go_files.Benchmarks)
    (units,) = read.samples.values()
    assert [value / 1e9 for value in units["ns/op"]] == WALLS
    assert [value / 1e9 for value in units["cpu-ns/op"]] == [wall / 2 for wall in WALLS]


def test_hyperfine_json_has_its_fields(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (result,) = json.loads(export(run, "hyperfine", capsys))["results"]
    assert (result["times"], result["median"], result["exit_codes"]) == (WALLS, 11.5, [0, 0, 0])
    assert result["mean"] == pytest.approx(11.25)


def test_hyperfine_itself_writes_the_same_fields(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "real.json"
    words = ["hyperfine", "--runs", "2", "--style", "none", "--export-json", str(real)]
    subprocess.run(
        [*words, "--parameter-list", "x", "a", "echo {x}"], check=True, capture_output=True
    )
    (theirs,) = json.loads(real.read_text())["results"]
    (ours,) = json.loads(export(run, "hyperfine", capsys))["results"]
    assert set(ours) == {*theirs} - {"memory_usage_byte"}
    for name, value in theirs.items():
        if name in ours and ours[name] is not None:
            assert type(ours[name]) is type(value), name


def test_csv_holds_every_build(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(export(run, "csv", capsys))))
    assert [row["wall_s"] for row in rows] == ["10.0", "11.5", "12.25", ""]
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "failed"]
    assert rows[0]["axis.engine"] == 'a "b"\\'


def test_parquet_holds_every_build(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "made" / "run.parquet"
    export(run, "parquet", capsys, "--output", str(path))
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT wall_s, cell['CGO ENABLED'] FROM read_parquet(?) ORDER BY round", [str(path)]
        ).fetchall()
    assert rows == [*((wall, "0") for wall in WALLS), (None, None)]


def test_prometheus_text_is_read_by_prometheus_own_parser(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = export(run, "prometheus", capsys)
    found = {one.name: one for one in text_string_to_metric_families(text)}
    assert {one.type for one in found.values()} == {"gauge"}
    (wall,) = found["lab_build_wall_seconds"].samples
    assert (wall.value, wall.labels["engine"], wall.labels["CGO_ENABLED"]) == (11.5, 'a "b"\\', "0")
    (count,) = found["lab_builds"].samples
    assert count.value == 3
