"""The forms of a report for programs, read back by readers that know nothing of the lab."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cli.run_names import short
from lab.model.events import Outcome
from lab.model.record import Build, Run, RunOptions, Step
from lab.report import (
    compose,
    export,
    formats,
    markdown,
    summary_picture,
    vega_renderer,
    vega_specs,
)
from lab.report.chart_data import chart_data
from lab.results import comparison
from lab.results.runs import StoredRun
from tests import junit
from tests.report_runs import EVIL, build, run, stored


def rendered(kind: str, found: StoredRun) -> str:
    return formats.render(kind, compose.from_run(found), found.builds, [found.run])


def test_csv_has_a_line_for_each_step() -> None:
    found = stored()
    lines = list(csv.DictReader(io.StringIO(rendered("csv", found))))
    steps = [(b, s) for b in found.builds for s in b.steps or (None,)]
    assert len(lines) == len(steps)
    for line, (one, step) in zip(lines, steps, strict=True):
        assert (line["build"], line["engine"]) == (one.id, one.cell["engine"])
        assert line["wall_s"] == ("" if one.wall_s is None else str(one.wall_s))
        if step is not None:
            assert (line["step"], line["instruction"]) == (str(step.index), step.instruction)
            assert line["outcome"] == (step.outcome or "")


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    found = stored("=HYPERLINK(1)")
    lines = list(csv.reader(io.StringIO(rendered("csv", found))))
    assert not any(cell[:1] in {"=", "+", "@"} for line in lines for cell in line)


@pytest.mark.slow
def test_junit_counts_what_failed_and_what_was_skipped() -> None:
    found = stored(EVIL, EVIL)
    junit.hold(rendered("junit", found))
    root = ElementTree.fromstring(rendered("junit", found))  # noqa: S314 (made here)
    assert len(root.findall(".//testcase")) == len(found.builds) + len(found.run.broken)
    assert len(root.findall(".//testcase/failure")) == 1 + len(found.run.broken)
    assert len(root.findall(".//testcase/skipped")) == 1
    for suite in root.iter("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))


@pytest.mark.slow
@given(st.text())
def test_junit_stays_xml_whatever_a_log_says(text: str) -> None:
    failed = replace(build("docker", "cold", 1), status="failed", reason=text, log_tail=text)
    found = StoredRun(run=run(), builds=(failed,), folder=Path())
    junit.hold(rendered("junit", found))


def test_the_schema_of_junit_refuses_what_is_none() -> None:
    import xmlschema

    with pytest.raises(xmlschema.XMLSchemaValidationError):
        junit.hold('<testsuites><testsuite name="a"><testcase/></testsuite></testsuites>')


def traced(*starts: float) -> Build:
    steps = tuple(
        Step(index=i, stage="a", instruction="RUN x", outcome=None, started_s=at, duration_s=1.0)
        for i, at in enumerate(starts)
    )
    one = build("docker", "cold", 1)
    return replace(one, started="2026-11-23T10:15:02+00:00", steps=steps)


@given(st.lists(st.floats(-5, 5), max_size=12))
def test_a_trace_has_no_two_spans_that_overlap_on_a_line(starts: list[float]) -> None:
    trace = json.loads(export.as_perfetto([traced(*starts)], {}))["traceEvents"]
    spans = [event for event in trace if event["ph"] == "X"]
    assert len(spans) == len(starts) + 1
    assert all(isinstance(span[key], int) for span in spans for key in ("ts", "dur"))
    lines: dict[int, list[tuple[float, float]]] = {}
    for span in spans:
        lines.setdefault(span["tid"], []).append((span["ts"], span["ts"] + span["dur"]))
    for line in lines.values():
        assert all(a[1] <= b[0] for a, b in pairwise(sorted(line)))
    named = {event["tid"] for event in trace if event["name"] == "thread_name"}
    assert named == set(lines)


def test_json_holds_the_table_and_the_runs() -> None:
    value = json.loads(rendered("json", stored()))
    assert value["schema"] == "lab.report/1"
    assert [one["id"] for one in value["runs"]] == [run().id]
    (group,) = value["table"]["groups"]
    wall = group["phases"][0]["measures"][0]["wall"]
    assert (wall["count"], round(wall["median"], 6)) == (3, 10.2)


@pytest.mark.slow
def test_the_same_specification_is_drawn_without_a_browser() -> None:
    made = compose.from_run(stored())
    spec = summary_picture.spec(made.charts, made.model.headline)
    assert spec is not None
    drawn = vega_renderer.svg(spec)
    root = ElementTree.fromstring(drawn)  # noqa: S314 (made here)
    words = [
        text for one in root.iter("{http://www.w3.org/2000/svg}text") for text in one.itertext()
    ]
    assert {"cold", "rebuild", "docker", "podman"} <= set(words)
    tiles = [word for word in words if word.startswith(("hit ", "miss "))]
    # Of the steps that really ran, those of the failed fourth round among them.
    assert sorted(tiles) == ["hit 255 ms", "miss 384 ms", "miss 5.1 s", "miss 6.12 s"]
    assert any(word.startswith("Undecided: podman took 20 % longer than docker") for word in words)
    assert {"outcome of a step", "skipped", "10.2 s (10.1\u201310.3 s, n=3)"} <= set(words)
    picture = vega_renderer.png(spec)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


def test_two_runs_in_one_report() -> None:
    one, two = stored(), stored()
    slower = tuple(replace(b, wall_s=b.wall_s and b.wall_s * 2) for b in two.builds)
    made, builds = compose.from_runs({"a": one, "b": replace(two, builds=slower)})
    assert made.table.columns == ("a", "b")
    assert len(builds) == 2 * len(one.builds)
    ratios = [
        m.ratio.median for g in made.table.groups for r in g.phases for m in r.measures if m.ratio
    ]
    assert {round(value, 6) for value in ratios} == {2.0}


def test_a_run_is_repeated_with_what_its_command_line_said() -> None:
    options = RunOptions(
        engines=("docker", "podman"), endpoints={"podman": "unix:///p q"}, rounds=2, private=True
    )
    head: Run = replace(run(), options=options)
    said = compose.from_run(replace(stored(), run=head)).model.repeat
    assert said == (
        "lab run scenarios/layer-cache.yaml --engine docker --engine 'podman=unix:///p q' "
        "--rounds 2 --private --seed 7",
    )


def test_a_cause_stands_beside_its_step_whatever_its_text_is_in_each_round() -> None:
    """An edit gives an instruction another text each round; BuildKit's file is shown as one row."""
    texts = {1: "ENV GOROOT=/a", 2: "ENV GOROOT=/b"}
    builds = [
        replace(
            one,
            steps=(replace(one.steps[0], instruction=texts[one.round], outcome=Outcome.MISS),),
        )
        for one in (build("docker", "rebuild", number) for number in texts)
    ]
    table = comparison.table(builds, axis="engine", columns=("docker",))
    (row,) = table.groups[0].phases[0].steps
    assert row.texts == tuple(texts.values())
    why = {(one.id, 0): f"changed in round {one.round}" for one in builds}
    drawn = chart_data(table, builds, why)
    assert drawn.tiles[0].cause == "changed in round 1; changed in round 2"
    said = markdown.render(compose.from_table(table, builds, [run()], drawn))
    assert "| cause |" in said
    assert "changed in round 1; changed in round 2 |" in said


@pytest.mark.slow
def test_markdown_has_room_in_a_comment() -> None:
    found = stored("RUN " + "long " * 12)
    many = [
        replace(one, id=f"{one.id}-{number}", cell={**one.cell, "base": f"base{number}"})
        for number in range(150)
        for one in found.builds
    ]
    said = rendered("md", replace(found, builds=tuple(many)))
    assert len(said) < 65_536
    assert f"The first {markdown.ROWS} of" in said
    assert "in report.html: a comment holds" in said


def test_compared_runs_are_named_by_what_tells_them_apart() -> None:
    one = replace(stored(), folder=Path("results/20261123-101502-layer-cache"))
    two = replace(stored(), folder=Path("results/20261124-090000-layer-cache"))
    assert set(short([("latest", one), ("x", two)])) == {"20261123-101502", "20261124-090000"}
    other = replace(two, run=replace(run(), scenario=replace(run().scenario, name="other")))
    assert set(short([("a", one), ("b", other)])) == {one.folder.name, two.folder.name}
    moved = replace(one, folder=Path("elsewhere") / one.folder)
    assert set(short([("a", one), ("b", moved)])) == {"a", "b"}


def test_a_run_that_did_not_end_claims_no_expectation() -> None:
    """They are checked at a run's end."""
    found = stored()
    text = replace(found.run.scenario, text="name: x\nexpect:\n  - after: rebuild\n")
    for status, held, skipped in (("complete", True, 0), ("partial", False, 1)):
        head = replace(found.run, scenario=text, status=status, broken=())
        one = replace(found, run=head)
        assert ("Every expectation held" in compose.from_run(one).model.headline.verdict) is held
        written = rendered("junit", one)
        junit.hold(written)
        (suite,) = [
            suite
            for suite in ElementTree.fromstring(written)  # noqa: S314 (made here)
            if "expectations" in suite.attrib["name"]
        ]
        assert int(suite.attrib["skipped"]) == skipped


@pytest.mark.slow
@pytest.mark.parametrize(("least", "most", "few"), [(1.45, 8.0, 2), (0.15, 16.0, 3), (7.0, 7.6, 1)])
def test_a_chart_s_axis_has_figures_however_near_its_times_are(
    least: float, most: float, few: int
) -> None:
    """Also after a trend was drawn, whose axis is another."""
    vega_specs.trend(vega_specs.LIGHT, ["docker"], changes=False)
    place = {"phase": "cold", "phase_order": 0, "column": "docker", "column_order": 0, "tip": ""}
    rows = [place | {"kind": "point", "value": value} for value in (least, most)]
    rows.append(place | {"kind": "band", "value": least, "low": least, "high": most})
    spec = vega_specs.intervals(vega_specs.LIGHT, "seconds", ["docker"], 350)
    drawn = vega_renderer.svg(vega_specs.chart(spec, vega_specs.LIGHT, rows))
    figures = re.findall(r">([\d.]+) (m?)s<", drawn)
    seconds = [float(number) / (1000 if milli else 1) for number, milli in figures]
    assert few <= len(seconds) <= 8
    assert seconds == sorted(seconds)
    assert all(least * 0.7 <= one <= most * 1.4 for one in seconds)
