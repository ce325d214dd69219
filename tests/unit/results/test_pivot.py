"""Any field as row, column or table; by columns and by plain Python the figures are the same."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.errors import InputError
from lab.model.record import Build, Step
from lab.report import pivot as pivoted
from lab.results import runs, stats
from lab.results.pivot import pivot
from lab.runner import session
from lab.scenario import loader
from tests.factories import ENGINE, HOST, build
from tests.gate_runs import record
from tests.unit.runner.test_session import Nobody


def varied(count: int, factor: float = 1.0, seed: int = 1) -> list[Build]:
    """Two engines, two phases; podman takes twice as long, times ``factor`` in all."""
    rng = random.Random(seed)
    made = []
    for number in range(1, count + 1):
        drift = rng.uniform(1, 3)
        for engine, slow in (("docker", 1.0), ("podman", 2.0)):
            for phase in ("cold", "rebuild"):
                wall = drift * slow * factor * rng.uniform(0.99, 1.01)
                one = build(number, wall, phase=phase)
                cell = {"engine": engine, "base": "bookworm"}
                made.append(replace(one, id=f"{engine}-{phase}-{number}", cell=cell))
    return made


@pytest.mark.slow
def test_medians_and_paired_ratios_are_those_of_the_records(tmp_path: Path) -> None:
    builds = varied(20)
    run = record(tmp_path / "one", [], builds=builds)
    found = pivot([run], rows=["phase"], cols=["engine"], baseline="docker")
    assert found.columns == ("docker", "podman")
    walls = {(one.phase, one.cell["engine"], one.round): one.wall_s or 0.0 for one in builds}
    for phase in ("cold", "rebuild"):
        cells = found.tables[""][phase]
        pairs = [
            (walls[(phase, "podman", at)], walls[(phase, "docker", at)]) for at in range(1, 21)
        ]
        own = [one for one, _ in pairs]
        assert cells["podman"].values.median == pytest.approx(statistics.median(own))
        assert cells["podman"].values.count == 20
        # The drift of a round hits both engines: only pairing brings it out.
        one = stats.compare_paired(pairs)
        assert one is not None
        versus = cells["podman"].versus
        assert versus is not None
        assert (versus.ratio, versus.interval) == (one.ratio, one.interval)
        assert versus.p_value == pytest.approx(2 * one.p_value)  # Holm: two comparisons
        assert versus.verdict == "slower"
        assert cells["docker"].versus is None
    assert "verdicts by pairs of the same round (signed-rank test): 2" in found.notes


def test_runs_that_were_not_built_in_turn_are_compared_as_two_samples(tmp_path: Path) -> None:
    walls = [[10 + number / 10 for number in range(8)], [11.5 + number / 9 for number in range(8)]]
    folders = [record(tmp_path / name, one) for name, one in zip("ab", walls, strict=True)]
    found = pivot(folders, rows=["phase"], cols=["run"], baseline="a")
    versus = found.tables[""]["cold"]["b"].versus
    assert versus == stats.compare_unpaired(walls[1], walls[0])
    assert "verdicts by two samples" in found.notes[0]


@pytest.mark.slow
def test_a_run_that_ended_when_something_showed_is_judged_so(tmp_path: Path) -> None:
    """Seven rounds that agree are enough for a test that looks once, and not for one that looked
    from the fifth on and saw how far they lie apart.
    """
    ratios = [1.01, 1.5, 1.02, 1.3, 1.01, 1.6, 1.02]
    builds = [
        replace(build(at, wall), id=f"{engine}-{at}", cell={"engine": engine})
        for at, ratio in enumerate(ratios, 1)
        for engine, wall in (("docker", 1.0), ("podman", ratio))
    ]
    folder = record(tmp_path / "one", [], builds=builds)
    path = folder / "run.json"
    head = json.loads(path.read_text())
    until = {"least": 5, "margin": 0.1, "metric": "wall"}
    for options, verdict in (({}, "slower"), ({"rounds": 20, "until": until}, "undecided")):
        path.write_text(json.dumps(head | {"options": options}))
        found = pivot([folder], rows=["phase"], cols=["engine"], baseline="docker")
        versus = found.tables[""]["cold"]["podman"].versus
        assert versus is not None
        assert versus.margin == (0.1 if options else 0.05)
        assert versus.verdict == verdict


@pytest.mark.slow
def test_steps_axes_and_facts_of_the_host_can_be_asked_for(tmp_path: Path) -> None:
    one = record(tmp_path / "one", [], builds=varied(3))
    two = record(tmp_path / "two", [], builds=varied(3), host=replace(HOST, kernel="6.2.0"))
    found = pivot([one, two], rows=["step", "kernel"], cols=["engine"], table=["phase"])
    assert found.metric == "duration"
    assert set(found.tables) == {"cold", "rebuild"}
    assert set(found.tables["cold"]) == {"RUN make | 6.1.0", "RUN make | 6.2.0"}
    assert not [note for note in found.footnotes if "kernel" in note]


@pytest.mark.slow
def test_a_cell_that_mixes_what_is_not_shown_says_so(tmp_path: Path) -> None:
    one = record(tmp_path / "one", [], builds=varied(3))
    other = replace(ENGINE, version="27.0")
    two = record(
        tmp_path / "two", [], builds=varied(3), host=replace(HOST, kernel="6.2.0"), engine=other
    )
    found = pivot([one, two], rows=["phase"], cols=["base"])
    text = "\n".join(found.footnotes)
    for hidden in ("kernel: 6.1.0, 6.2.0", "engine: docker, podman", "engine_version: 26.1, 27.0"):
        assert hidden in text
    marks = found.tables[""]["cold"]["bookworm"].marks
    assert len(marks) == len(found.footnotes)
    apart = pivot([one, two], rows=["phase", "engine"], cols=["run"])
    assert apart.footnotes == ()


@pytest.mark.slow
def test_what_a_resumed_run_built_again_counts_once(tmp_path: Path) -> None:
    builds = [build(1, 1.0), build(2, 2.0), replace(build(1, 1.0), wall_s=9.0)]
    run = record(tmp_path / "one", [], builds=builds)
    cell = pivot([run], rows=["phase"], cols=["engine"]).tables[""]["cold"]["docker"]
    assert (cell.values.count, cell.values.high, cell.values.low) == (2, 9.0, 2.0)


@pytest.mark.slow
def test_failed_and_disturbed_builds_are_told_and_not_counted(tmp_path: Path) -> None:
    builds = [
        build(1, 1.0),
        replace(build(2, 5.0), fit="degraded: others"),
        replace(build(3, 5.0), status="failed"),
    ]
    run = record(tmp_path / "one", [], builds=builds)
    found = pivot([run], rows=["phase"], cols=["engine"])
    assert found.tables[""]["cold"]["docker"].values.count == 1
    assert found.notes == (
        "not in the table, failed builds: 1",
        "not in the table, degraded builds: 1",
    )
    more = pivot([run], rows=["phase"], cols=["engine"], with_degraded=True)
    assert more.tables[""]["cold"]["docker"].values.count == 2
    assert more.notes == ("not in the table, failed builds: 1",)


@pytest.mark.parametrize(
    "torn", [b'{"schema": "lab.bu', json.dumps(build(9, 1.0).to_json()).encode()]
)
def test_a_torn_last_line_is_dropped_and_told(tmp_path: Path, torn: bytes) -> None:
    run = record(tmp_path / "one", [1.0, 2.0])
    with (run / "builds.jsonl").open("ab") as file:
        file.write(torn)
    found = pivot([run], rows=["phase"], cols=["engine"])
    assert found.tables[""]["cold"]["docker"].values.count == 2
    assert "torn" in found.notes[0]


@pytest.mark.parametrize("line", [b"{}\n", b"nonsense\n", b'{"schema": "lab.build/2"}\n'])
def test_a_line_that_is_no_record_is_an_error_with_its_place(tmp_path: Path, line: bytes) -> None:
    run = record(tmp_path / "one", [1.0, 2.0])
    path = run / "builds.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + second)
    with pytest.raises(InputError, match=r"builds\.jsonl:2: not a record"):
        pivot([run], rows=["phase"], cols=["engine"])


@pytest.mark.parametrize("asked", [["phase"], ["phase", "step"]])
@pytest.mark.parametrize("figure", ["NaN", "-Infinity", "1e999"])
def test_a_figure_that_is_none_is_told_with_its_place_by_both_ways_to_read(
    tmp_path: Path, asked: list[str], figure: str
) -> None:
    run = record(tmp_path / "one", [1.0, 2.0, 3.0])
    path = run / "builds.jsonl"
    key = '"duration_s": ' if "step" in asked else '"wall_s": '
    text = path.read_text()
    # The second build takes 2 s, its step half of that.
    changed = text.replace(key + ("1.0" if "step" in asked else "2.0"), key + figure)
    assert changed != text
    path.write_text(changed)
    for read in (lambda: pivot([run], rows=asked, cols=["engine"]), lambda: runs.read(run)):
        with pytest.raises(InputError, match=r"builds\.jsonl:2: not a record"):
            read()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "phas"], "did you mean 'phase'"),
        (["--cols", "engine", "--baseline", "dockr"], "did you mean 'docker'"),
        (["--rows", "phase", "--metric", "wal"], "did you mean 'wall'"),
        (["--metric", "wall"], "--metric goes with"),
    ],
)
def test_misspelt_fields_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: Sequence[str], said: str
) -> None:
    run = record(tmp_path / "one", [1.0, 2.0])
    with pytest.raises(SystemExit) as ended:
        main.main(["compare", str(run), *words])
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


@pytest.mark.slow
def test_the_command_line_prints_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(tmp_path / "one", [], builds=varied(8))
    words = ["--rows", "phase,step", "--cols", "engine", "--baseline", "docker"]
    with pytest.raises(SystemExit) as ended:
        main.main(["compare", str(run), *words])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "duration by phase, step and engine, ratios to docker" in out
    assert "cold | RUN make" in out
    assert "slower" in out


@pytest.mark.slow
def test_a_table_keeps_to_80_columns_and_loses_no_word_of_a_step(tmp_path: Path) -> None:
    long = "RUN go build -trimpath -o /out/app ./cmd/app && strip /out/app && cp /out/app /usr/bin"
    timed = (
        "RUN read begin rest < /proc/uptime && make all && read end rest < /proc/uptime && "
        "spent=$((end - begin)) && printf '::lab-mark build %s\\n' $spent"
    )
    steps = tuple(
        Step(index=at, stage="0", instruction=text, outcome=None, duration_s=1.0)
        for at, text in enumerate((long, timed))
    )
    builds = [replace(one, steps=steps) for one in varied(3)]
    run = record(tmp_path / "one", [], builds=builds)
    out = pivoted.text(pivot([run], rows=["phase", "step"], cols=["engine"]))
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    cold = lines.index(next(line for line in lines if line.startswith("cold | RUN go build")))
    rest = " ".join([lines[cold].partition("  ")[0], *map(str.strip, lines[cold + 1 : cold + 4])])
    assert f"cold | {long}" in rest
    assert any(line.startswith("cold | RUN make all  ") for line in lines)  # as it was written
    ratios = pivot([run], rows=["phase", "step"], cols=["engine"], baseline="docker")
    beside = pivoted.text(ratios)
    assert max(map(len, beside.splitlines())) <= 80
    assert beside.count("\u00d7") == beside.count(" undecided") == 4


@pytest.mark.slow
def test_rows_stand_in_the_order_of_phases_and_of_the_dockerfile(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_text(
        "name: order\nengines: [simulated]\nbases: [bookworm]\nrounds: 3\n"
        "workload: {packages: 1, lines: 200, depth: 1}\nphases: [cold, rebuild]\n"
    )
    options = session.Options(results=tmp_path / "results")
    stored = session.run(loader.load(path), options, say=lambda _: None, watcher=Nobody())
    found = pivot([stored.folder], rows=("phase", "step"), cols=("engine",))
    wanted = [
        f"{build.phase} | {step.instruction}"
        for build in stored.builds[:2]
        for step in build.steps
        if step.duration_s is not None
    ]
    assert len(wanted) > 6
    assert list(found.tables[""]) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fitness", "fit"])
def test_fitness_is_a_field_without_each_builds_own_reason(tmp_path: Path, name: str) -> None:
    fits = ["fit", None, "degraded: others took 12 %", "degraded: others took 13 %", "unfit: x: y"]
    builds = [replace(build(at, float(at)), fit=fit) for at, fit in enumerate(fits, 1)]
    run = record(tmp_path / "run", [], builds=builds)
    found = pivot([run], rows=[name], cols=["run"], with_degraded=True)
    assert found.rows == ("fitness",)
    counts = {row: cells["run"].values.count for row, cells in found.tables[""].items()}
    assert {row: counts[row] for row in ("fit", "degraded", "unfit")} == {
        "fit": 1,
        "degraded": 2,
        "unfit": 1,
    }
    assert sum(counts.values()) == 5
