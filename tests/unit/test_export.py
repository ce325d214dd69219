"""What other tools read: each format read back by a reader that is not the lab's."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from lab import cli
from lab.gate import go_files
from tests.unit.gate_runs import build, record

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
        cli.main(["export", str(run), "--format", name, *words])
    assert ended.value.code == 0
    return capsys.readouterr().out


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


SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')


def test_prometheus_text_follows_its_grammar(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = export(run, "prometheus", capsys).splitlines()
    samples = [SAMPLE.fullmatch(line) for line in lines if not line.startswith("# ")]
    assert all(samples)
    values = {found[1]: float(found[3]) for found in samples if found}
    assert values["lab_build_wall_seconds"] == 11.5
    assert values["lab_builds"] == 3
