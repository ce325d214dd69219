"""A run for programs: JSON, CSV, JUnit's XML, and the trace format of Chrome and Perfetto."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from lab.model import cell_names
from lab.model.record import Build, Run, Step
from lab.report.chart_data import Causes
from lab.report.formatting import clean, one_line, unrun
from lab.report.headline import expectations_checked, has_expectations

if TYPE_CHECKING:
    from lab.report.model import CacheAnswer, Report

# Microseconds: engines that round to milliseconds let a step begin before the last has ended.
SAME = 2000
REPORT_SCHEMA = "lab.report/1"
# Characters that XML has not at all.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STEP_FIELDS = ("step", "stage", "instruction", "outcome", "started_s", "duration_s", "cause")
BUILD_FIELDS = ("build", "round", "phase", "status", "reason", "wall_s", "image_bytes", "hit_rate")


def _cache(one: CacheAnswer) -> dict[str, Any]:
    """Which cache to give fresh runners; cells are texts, as people read them."""
    return {
        "cell": one.title,
        "take": one.take,
        "answer": one.answer,
        "strategies": [dict(zip(one.grid.head, row, strict=True)) for row in one.grid.rows],
    }


def as_json(report: Report, runs: Sequence[Run]) -> str:
    """What a report says, as one value (docs/reports.md)."""
    model = report.model
    value = {
        "schema": REPORT_SCHEMA,
        "title": model.title,
        "status": model.status,
        "verdict": model.headline.verdict,
        "fit": model.headline.fit,
        "broken": list(model.broken),
        "runs": [run.to_json() for run in runs],
        "table": report.table.to_json(),
        "caches": [_cache(one) for one in model.caches],
        "footnotes": list(model.footnotes),
        "repeat": list(model.repeat),
    }
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def as_csv(builds: Sequence[Build], causes: Causes) -> str:
    """A line for each step of each build, and one for a build without steps."""
    axes = list(dict.fromkeys(axis for build in builds for axis in build.cell))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(unrun(axis) for axis in axes), *BUILD_FIELDS, *STEP_FIELDS])
    for build in builds:
        head = [unrun(build.cell.get(axis)) for axis in axes] + _build_cells(build)
        for step in build.steps:
            writer.writerow(head + _step_cells(step, causes.get((build.id, step.index))))
        if not build.steps:
            writer.writerow(head + [""] * len(STEP_FIELDS))
    return out.getvalue()


def _build_cells(build: Build) -> list[object]:
    size = build.image.size_bytes if build.image else None
    rate = build.cache.rate if build.cache else None
    said = [unrun(text) for text in (build.phase, build.status, build.reason)]
    numbers = ["" if value is None else value for value in (build.wall_s, size, rate)]
    return [unrun(build.id), build.round, *said, *numbers]


def _step_cells(step: Step, cause: str | None) -> list[object]:
    times = ["" if value is None else value for value in (step.started_s, step.duration_s)]
    texts = [unrun(text) for text in (step.stage, step.instruction, step.outcome)]
    return [step.index, *texts, *times, unrun(cause)]


def as_junit(report: Report, builds: Sequence[Build], runs: Sequence[Run]) -> str:
    """Builds and expectations as test cases, for whatever shows test results."""
    root = ElementTree.Element("testsuites", name=_xml(report.model.title))
    suites: dict[str, list[Build]] = {}
    for build in builds:
        suites.setdefault(cell_names.full(build.cell), []).append(build)
    for name, found in suites.items():
        _suite(root, name, [_case(build, name) for build in found])
    for run in runs:
        cases = [_expectation(text) for text in run.broken]
        if not cases and has_expectations(run):
            name = "every expectation held" if expectations_checked(run) else "expectations"
            facts = {"name": name, "classname": "expectations"}
            cases = [ElementTree.Element("testcase", facts)]
            if not expectations_checked(run):
                ElementTree.SubElement(
                    cases[0], "skipped", message="the run did not come to its end"
                )
        if cases:
            _suite(root, f"{run.id}: expectations", cases)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, name: str, cases: Sequence[ElementTree.Element]) -> None:
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    facts = {key: str(count) for key, count in counts.items()}
    suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(name), **facts})
    suite.extend(cases)


def _case(build: Build, cell: str) -> ElementTree.Element:
    facts = {"classname": _xml(cell), "name": _xml(f"{build.phase}, round {build.round}")}
    if build.wall_s is not None:
        facts["time"] = f"{build.wall_s:.6f}"
    case = ElementTree.Element("testcase", facts)
    kind = {"failed": "failure", "engine-lost": "error", "skipped": "skipped"}.get(build.status)
    if kind:
        detail = ElementTree.SubElement(case, kind, message=_xml(one_line(build.reason or "", 500)))
        detail.text = _xml(clean(build.log_tail or ""))
    return case


def _expectation(text: str) -> ElementTree.Element:
    facts = {"classname": "expectations", "name": _xml(one_line(text, 200))}
    case = ElementTree.Element("testcase", facts)
    ElementTree.SubElement(case, "failure", message=_xml(one_line(text, 500)))
    return case


def _xml(text: str) -> str:
    return _NO_XML.sub("", text)


def as_perfetto(builds: Sequence[Build], causes: Causes) -> str:
    """Builds on the time line that they had: a process for each cell, its stages as threads.

    The format is Chrome's JSON trace (microseconds); ui.perfetto.dev and chrome://tracing read it.
    """
    timed = [(_clock(build), build) for build in builds]
    known = [(at, build) for at, build in timed if at is not None and build.wall_s is not None]
    zero = min((at for at, _ in known), default=0.0)
    lines = _Lines()
    trace: list[dict[str, Any]] = []
    for at, build in known:
        trace += _trace(build, at - zero, lines, causes)
    value = {"displayTimeUnit": "ms", "traceEvents": [*lines.names(), *trace]}
    return json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n"


class _Lines:
    """Numbers of processes and threads, and what they are called."""

    def __init__(self) -> None:
        self._cells: dict[str, int] = {}
        self._lines: dict[tuple[int, str], int] = {}

    def cell(self, name: str) -> int:
        return self._cells.setdefault(name, len(self._cells) + 1)

    def line(self, cell: int, name: str) -> int:
        return self._lines.setdefault((cell, name), len(self._lines) + 1)

    def names(self) -> Iterator[dict[str, Any]]:
        for name, pid in self._cells.items():
            yield _named("process_name", one_line(name) or "all cells", pid, 0)
        for (pid, name), tid in self._lines.items():
            yield _named("thread_name", name, pid, tid)


def _named(kind: str, name: str, pid: int, tid: int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _clock(build: Build) -> float | None:
    try:
        return datetime.fromisoformat(build.started or "").timestamp()
    except ValueError:
        return None


def _trace(build: Build, at: float, lines: _Lines, causes: Causes) -> Iterator[dict[str, Any]]:
    pid = lines.cell(cell_names.full(build.cell))
    about: Mapping[str, Any] = {"id": clean(build.id), "round": build.round, "status": build.status}
    name = f"{one_line(build.phase, 40)}, round {build.round}"
    zero = _micros(at)
    times = (zero, zero + _micros(build.wall_s or 0.0))
    yield _span(name, "build", times, (pid, lines.line(pid, "builds")), about)
    ends: dict[tuple[str, int], int] = {}
    for step in sorted(build.steps, key=lambda step: step.started_s or 0.0):
        if step.started_s is None or step.duration_s is None:
            continue
        # Steps of one stage may overlap, and a line of a trace holds only what does not.
        start, lane = zero + _micros(step.started_s), 1
        while ends.get((step.stage, lane), start) > start + SAME:
            lane += 1
        end = start + _micros(step.duration_s)
        start = max(start, ends.get((step.stage, lane), start))
        end = max(end, start + 1)  # of no length, viewers would put it into what begins with it
        ends[step.stage, lane] = end
        stage = f"stage {one_line(step.stage, 40)}" + (f" #{lane}" if lane > 1 else "")
        args: dict[str, Any] = {"outcome": step.outcome, "instruction": clean(step.instruction)}
        args["seconds"] = step.duration_s
        if cause := causes.get((build.id, step.index)):
            args["cause"] = clean(cause)
        place = (pid, lines.line(pid, stage))
        name = one_line(step.instruction, 80)
        yield _span(name, step.outcome or "unknown", (start, end), place, args)


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)


def _span(
    name: str,
    kind: str,
    times: tuple[int, int],
    place: tuple[int, int],
    args: Mapping[str, Any],
) -> dict[str, Any]:
    (start, end), (pid, tid) = times, place
    said = {"ph": "X", "name": name, "cat": kind, "ts": start, "dur": end - start}
    return said | {"pid": pid, "tid": tid, "args": dict(args)}
