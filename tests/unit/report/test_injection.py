"""Text from outside in every field of a run, through every form: read back by the form's reader.

What is read back has the shape that it has for plain text: no more rows, series, tags, links,
formulas or lines.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lab.model.events import Outcome
from lab.model.finding import Finding
from lab.model.origin import Origin
from lab.model.record import Build, Cache, Image, ScenarioText, Step
from lab.model.trace_context import TraceContext
from lab.report import ci_formats, compose, formats, terminal, terminal_brief, tool_formats
from lab.report.otlp import exporters, logs, spans
from lab.results.runs import StoredRun
from tests import factories

PLAIN = "plain"
SIGN = "INJECTED"
EVIL = {
    "markup": f"<xss onmouseover={SIGN}></xss></script></textarea></title><xss>&lt;]]>--><!--",
    "lines": f"a\n{SIGN} 1\r\n::error::{SIGN}\n# TYPE {SIGN} gauge\nBenchmarkX 1 1 ns/op\r{SIGN}",
    "escapes": f"\x1b[31m\x1b]0;{SIGN}\x07\x9b31m\x00\x08\u202e\u2028{SIGN}",
    "path": f"../../{SIGN}/../../etc/passwd",
    "huge": "h" * 100_000,
    "equals": f"=HYPERLINK({SIGN})",
    "at": f"@{SIGN}",
    "spaced": f"  \t=CMD|{SIGN}!A0",
    "markdown": f"[{SIGN}](javascript:x) ![i](http://{SIGN}.invalid/i) | a | `b` <http://{SIGN}.invalid>",
    "heading": f"# {SIGN}\n\n- {SIGN}\n\n| {SIGN} | b |\n|---|---|\n",
    "quotes": f"\"'\\{{}}[],:;$({SIGN})`{SIGN}`%0A{SIGN}",
    "surrogate": f"\ud800{SIGN}\udcff",
}


def stored(text: str) -> StoredRun:
    """A run with a text in each field that comes from outside."""
    step = Step(
        index=1, stage=text, instruction=f"RUN {text}", outcome=Outcome.MISS, duration_s=0.5
    )
    step = replace(step, started_s=0.1)
    builds = tuple(
        Build(
            id=f"{number:04}-{phase}-{side}",
            cell={"engine": "docker", "AXIS": f"{text}{side}"},
            round=number,
            phase=phase,
            status="failed" if (number, phase) == (3, "edit:x") else "ok",
            reason=text if (number, phase) == (3, "edit:x") else None,
            log_tail=text,
            wall_s=1.0 + 0.1 * number + side,
            started="2026-11-23T10:15:03.000+00:00",
            image=Image(id="sha256:1", size_bytes=1000, layers=1),
            cache=Cache(hits=1, misses=1, skipped=0),
            steps=(replace(step, index=2, instruction=text, error=text), step),
            notes=(text,),
            replay=text,
        )
        for number in (1, 2, 3)
        for phase in ("cold", "edit:x")
        for side in (0, 1)
    )
    host = replace(factories.HOST, kernel=text, cpu_model=text, filesystem=text)
    engine = replace(factories.ENGINE, version=text, storage=text, builder=text, host=host)
    head = factories.run(
        scenario=ScenarioText(name=text, path=text, sha256="0" * 64, text=text),
        host=host,
        engines=(engine,),
        broken=(text,),
        warnings=(text,),
        reason=text,
        name=text,
        axes={"engine": ("docker",), "AXIS": (f"{text}0", f"{text}1")},
        origin=Origin(commit=text, branch=text, repository=text, ci=text, job=text, url=text),
        bases=({"name": text, "source": text},),
    )
    return StoredRun(run=head, builds=builds, folder=Path("/nowhere"))


def rendered(kind: str, one: StoredRun) -> str:
    report = compose.from_run(one)
    return formats.render(kind, report, one.builds, [one.run])


def shown(show: Callable[..., None], one: StoredRun, **more: Any) -> str:
    out = io.StringIO()
    show(compose.from_run(one).model, out, **more)
    return out.getvalue()


def findings(text: str) -> list[Finding]:
    return [
        Finding(rule="r", level="error", place=text, message=text, remedy=text, line=3, patch=text)
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Not the attributes' values, but of links and sources where they lead.
        where = {f"{n}={(v or '')[:11]}" for n, v in attrs if n in {"href", "src", "action"}}
        self.tags |= {tag, *(f"{tag} {name}" for name, _ in attrs), *where}


def html_shape(text: str) -> object:
    reader = Tags()
    reader.feed(text)
    return sorted(reader.tags)


def markdown_shape(text: str) -> object:
    reader = MarkdownIt("commonmark").enable("table").parse(text)
    inside = [child for token in reader for child in token.children or ()]
    risky = {"link_open", "image", "html_inline", "html_block"}
    said = [
        (token.type, token.content[:80], str(token.attrGet("href") or token.attrGet("src"))[:40])
        for token in (*reader, *inside)
        if token.type in risky
    ]
    blocks = [one.type for one in reader if one.type in {"heading_open", "tr_open", "th_open"}]
    return sorted(set(said)), len(blocks)


def terminal_shape(text: str) -> object:
    """Nothing that a terminal obeys. How lines are wrapped depends on the text."""
    return re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\ud800-\udfff]", text)


def csv_shape(text: str) -> object:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    cells = [cell for row in rows for cell in row]
    assert not [one for one in cells if re.match(r"\s*[=+@]", one) or (one[:1] in "-\t\r" and one)]
    return [len(row) for row in rows]


def xml_shape(text: str) -> object:
    return [element.tag for element in ElementTree.fromstring(text.encode()).iter()]  # noqa: S314 - our own


def lines_shape(text: str) -> object:
    """Of formats whose lines have kinds: how many there are of each."""
    return [re.split(r"[:/{ \t]", line, maxsplit=1)[0] for line in text.splitlines()]


def prometheus_shape(text: str) -> object:
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
    sample = re.compile(rf"[a-z_]+(?:\{{{label}(?:,{label})*,?\}})? [0-9.e+-]+")
    for line in text.split("\n")[:-1]:
        assert line.startswith("# ") or sample.fullmatch(line), line[:300]
    return [re.split(r"[{ ]", line, maxsplit=1)[0] for line in text.split("\n")]


def json_shape(text: str) -> object:
    """Everything but the texts."""

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return [shape(one) for one in value.values()]
        return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__

    return shape(json.loads(text))


def sarif_shape(text: str) -> object:
    (run,) = json.loads(text)["runs"]
    for result in run["results"]:
        for place in result["locations"]:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[\w.~/%-]*", uri, re.ASCII), uri[:100]
    return json_shape(text)


def otlp(one: StoredRun) -> str:
    context = TraceContext.of(one.run.id, None)
    made = exporters._spans(list(spans.spans(one, context)))
    sent = encode_spans(made).SerializeToString()
    read = ExportTraceServiceRequest.FromString(sent)
    found = [
        span for each in read.resource_spans for scope in each.scope_spans for span in scope.spans
    ]
    said = [[len(span.attributes), bool(span.name), span.status.code] for span in found]
    packed = encode_logs(exporters._logs(list(logs.records(one, context)), context.trace_id))
    told = ExportLogsServiceRequest.FromString(packed.SerializeToString())
    counts = [len(scope.log_records) for each in told.resource_logs for scope in each.scope_logs]
    return json.dumps([said, counts])


FORMS: dict[str, tuple[Callable[[str], str], Callable[[str], object]]] = {
    "terminal": (lambda text: shown(terminal.show, stored(text)), terminal_shape),
    "brief": (lambda text: shown(terminal_brief.show, stored(text), more=""), terminal_shape),
    "html": (lambda text: rendered("html", stored(text)), html_shape),
    "markdown": (lambda text: rendered("md", stored(text)), markdown_shape),
    "json": (lambda text: rendered("json", stored(text)), json_shape),
    "csv": (lambda text: rendered("csv", stored(text)), csv_shape),
    "junit": (lambda text: rendered("junit", stored(text)), xml_shape),
    "perfetto": (lambda text: rendered("perfetto", stored(text)), json_shape),
    "export csv": (lambda text: tool_formats.as_csv([stored(text)]), csv_shape),
    "benchstat": (lambda text: tool_formats.benchstat([stored(text)]), lines_shape),
    "hyperfine": (lambda text: tool_formats.hyperfine([stored(text)]), json_shape),
    "prometheus": (lambda text: tool_formats.prometheus([stored(text)]), prometheus_shape),
    "otlp": (lambda text: otlp(stored(text)), json.loads),
    "sarif": (lambda text: ci_formats.sarif("lab", findings(text)), sarif_shape),
    "gitlab": (lambda text: ci_formats.gitlab("lab", findings(text)), json_shape),
    "github": (lambda text: ci_formats.github("lab", findings(text)), lines_shape),
}


@cache
def shape_of_plain(form: str) -> object:
    make, read = FORMS[form]
    return read(make(PLAIN))


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVIL)
@pytest.mark.parametrize("form", FORMS)
def test_no_text_from_outside_changes_a_forms_shape(form: str, kind: str) -> None:
    make, read = FORMS[form]
    made = make(EVIL[kind])
    assert read(made) == shape_of_plain(form)
    made.encode(errors="backslashreplace")
    assert len(made) < 40_000_000
