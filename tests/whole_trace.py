"""Whether a trace that was received is all of a run, held against the run's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lab.model.events import Outcome
from lab.results.runs import StoredRun
from tests.collectors import attributes

MS = 1e6  # in nanoseconds
UNSENT = {None, Outcome.SKIPPED}  # steps that took no time of their own


def hold(spans: Sequence[Span], stored: StoredRun) -> Span:
    """Every build and step is there once, below its parent, at the time of its record.

    ``spans`` are those that the lab sent, of this run alone; the run's own span is returned.
    Raises AssertionError.
    """
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    (root,) = [span for span in spans if span.parent_span_id not in by_id]
    assert attributes(root)["cicd.pipeline.run.id"] == stored.run.id
    cells = [span for span in spans if span.parent_span_id == root.span_id]
    assert len(cells) == len({frozenset(build.cell.items()) for build in stored.builds})
    named = {str(attributes(one).get("cicd.pipeline.task.run.id")): one for one in spans}
    told = Counter(str(attributes(one).get("cicd.pipeline.task.run.id")) for one in spans)
    expected = 1 + len(cells)
    for build in stored.builds:
        ours = named[build.id]
        assert told[build.id] == 1
        assert by_id[ours.parent_span_id] in cells
        begun = _ns(build.started or "")
        _near(ours, begun, begun + (build.wall_s or 0) * 1e9)
        expected += 1
        for step in build.steps:
            if step.outcome in UNSENT:
                continue
            name = f"{build.id}/{step.index}"
            assert told[name] == 1, name
            assert by_id[named[name].parent_span_id] is ours
            assert attributes(named[name])["lab.step.outcome"] == step.outcome
            start = begun + (step.started_s or 0) * 1e9
            _near(named[name], start, start + (step.duration_s or 0) * 1e9)
            expected += 1
    assert len(spans) == expected
    return root


def _ns(text: str) -> float:
    """A record's time in nanoseconds since 1970."""
    return datetime.fromisoformat(text).timestamp() * 1e9


def _near(span: Span, start: float, end: float) -> None:
    assert abs(span.start_time_unix_nano - start) < MS, span
    assert abs(span.end_time_unix_nano - end) < MS, span
