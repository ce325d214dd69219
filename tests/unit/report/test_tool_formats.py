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
from lab.model.origin import Origin
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


@pytest.mark.slow
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


def nightly(results: Path, count: int) -> Path:
    """Runs of a day each on two branches, as CI jobs leave them."""
    for number in range(count):
        cells = [{"engine": one, "base": "own"} for one in ("docker", "podman")]
        builds = [build(1, 10.0 + number, cell=cell, phase=phase) for cell in cells
                  for phase in ("cold", "edit:source")]  # fmt: skip
        origin = Origin(commit=f"{number:040x}", branch=("main", "topic/x")[number % 2])
        started = f"2026-11-{number + 1:02}T10:00:00.000+00:00"
        record(results / f"r{number:02}", [], builds=builds, origin=origin, started=started)
    return results


def test_prometheus_series_stay_the_same_from_run_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = nightly(tmp_path, 12)
    seen = []
    for count in (2, 12):
        since = f"2026-11-{13 - count:02}"
        with pytest.raises(SystemExit):
            main.main(
                ["export", "--since", since, "--format", "prometheus", "--results", str(results)]
            )
        text = capsys.readouterr().out
        found = {one.name: one.samples for one in text_string_to_metric_families(text)}
        seen.append({(name, *sample.labels.items()) for name in found for sample in found[name]})
        # 2 branches, 2 engines, 2 phases: of each the newest run.
        walls = found["lab_build_wall_seconds"]
        assert {(one.labels["branch"], one.value) for one in walls} == {
            ("main", 20.0),
            ("topic/x", 21.0),
        }
        assert len(walls) == 8
        assert {name for one in walls for name in one.labels} == {
            "scenario",
            "branch",
            "engine",
            "phase",
        }
    assert seen[0] == seen[1]


def test_promtool_finds_nothing_to_say(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prometheus' own linter, https://prometheus.io/docs/prometheus/latest/command-line/promtool"""
    results = nightly(tmp_path / "many", 3)
    with pytest.raises(SystemExit):
        main.main(
            ["export", "--since", "2026-11-01", "--format", "prometheus", "--results", str(results)]
        )
    for text in (capsys.readouterr().out, export(run, "prometheus", capsys)):
        words = ["promtool", "check", "metrics"]
        done = subprocess.run(words, input=text, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        # It passes a series that is there twice, of which Prometheus keeps one value.
        series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
        assert len(set(series)) == len(series) > 0


@pytest.mark.parametrize("name", ["csv", "benchstat", "hyperfine"])
def test_runs_since_a_time_are_exported_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    results = nightly(tmp_path, 3)
    with pytest.raises(SystemExit) as ended:
        main.main(["export", "--since", "2026-11-02", "--format", name, "--results", str(results)])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert [one in text for one in ("r00", "r01", "r02")] == [False, True, True]
    if name == "csv":
        (first, *_) = csv.DictReader(io.StringIO(text))
        assert (first["commit"], first["branch"]) == (f"{1:040x}", "topic/x")


@pytest.mark.parametrize(
    "words", [[], ["latest", "--since", "1d"], ["--since", "2030-01-01"]], ids=len
)
def test_an_export_names_one_run_or_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    results = nightly(tmp_path, 1)
    with pytest.raises(SystemExit) as ended:
        main.main(["export", *words, "--format", "csv", "--results", str(results)])
    assert ended.value.code == 2
    assert "next:" in capsys.readouterr().err
