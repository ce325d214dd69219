"""Spans sent to a collector by OTLP over HTTP: the one module that imports OpenTelemetry's SDK.

The exporter is asked itself, not a provider, whose `force_flush()` says True where a collector
answered 404. All is sent when a run has ended, beside the main thread: what does not answer keeps
nobody waiting for more than a second.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import __version__

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.trace import ReadableSpan

    from lab.report.otlp.spans import Span

ANSWER_S = 0.8  # for each batch; with what is to be done around it, a second
_BATCH = 512  # as the SDK's own processor sends
_LOGGER = "opentelemetry"


def send(spans: Sequence[Span], endpoint: str | None = None) -> str | None:
    """Send spans, to ``endpoint`` or where the OTEL_ variables say; why they did not arrive, if so.

    What the collector has not taken within `ANSWER_S` counts as not arrived, and no more is sent.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_send, args=(spans, endpoint, answers), daemon=True).start()
    answers.get()  # the packages are imported and the spans are made: that is no waiting
    for batch in range(0, len(spans), _BATCH):
        try:
            failed = answers.get(timeout=ANSWER_S + 0.1)
        except queue.Empty:
            failed = f"no answer within {ANSWER_S} s"
        if failed is not None:
            return f"{batch} of {len(spans)} spans arrived: {failed}"
    return None


def _send(
    spans: Sequence[Span], endpoint: str | None, answers: queue.SimpleQueue[str | None]
) -> None:
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        made = _made(spans)
        session = requests.Session()
        session.hooks["response"].append(_refuse_redirects)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=ANSWER_S, session=session)
        answers.put(None)
        with session, _heard() as said:
            for batch in range(0, len(made), _BATCH):
                result = exporter.export(made[batch : batch + _BATCH])
                arrived = result is SpanExportResult.SUCCESS
                answers.put(None if arrived else said[-1] if said else "the exporter failed")
                if not arrived:
                    return
    except Exception as error:  # noqa: BLE001 - of any kind, it is said at the run's end
        answers.put(None)
        answers.put(f"{type(error).__name__}: {error}")


def _refuse_redirects(response: requests.Response, **_: object) -> None:
    """The exporter counts all below 400 as success: also a gateway's way to its login page."""
    import requests

    if 300 <= response.status_code < 400:
        response.close()
        raise requests.TooManyRedirects(f"a redirect, {response.status_code}")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the SDK logs in this while: it tells why in no other way. Nothing of it is printed."""
    said: list[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, handler = logging.getLogger(_LOGGER), Heard(logging.ERROR)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _made(spans: Sequence[Span]) -> list[ReadableSpan]:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win, as their documentation has it.
    usual: Mapping[str, str] = {"service.name": "lab", "service.version": __version__}
    told = Resource.create().attributes
    named = {key: str(value) for key, value in told.items() if not _placeholder(key, value)}
    resource = Resource({**usual, **named})
    scope = InstrumentationScope("lab", __version__)

    def context(trace_id: str, span_id: str) -> SpanContext:
        return SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(1)
        )

    return [
        ReadableSpan(
            span.name,
            context=context(span.trace_id, span.span_id),
            parent=context(span.trace_id, span.parent) if span.parent else None,
            resource=resource,
            attributes=span.attributes,
            kind=SpanKind.SERVER if "cicd.pipeline.name" in span.attributes else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.error[:500]) if span.error else Status(),
            start_time=span.start,
            end_time=span.end,
            instrumentation_scope=scope,
        )
        for span in spans
    ]


def _placeholder(key: str, value: object) -> bool:
    """Whether the SDK put it in for want of a name."""
    return key == "service.name" and str(value).startswith("unknown_service")
