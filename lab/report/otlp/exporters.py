"""The one module that imports OpenTelemetry's SDK: our values made its own, and exported.

Its parts for logs have an underscore in their names, for their interface is not settled: the
lowest version that pyproject.toml asks for has what is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from lab import __version__

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from lab.report.otlp.figures import Figure
    from lab.report.otlp.logs import LogRecord
    from lab.report.otlp.spans import Span

_SCOPE = InstrumentationScope("lab", __version__)


def exporter(
    signal: str, endpoint: str | None, timeout: float, session: requests.Session, trace_id: str
) -> Callable[[Sequence[Any]], bool]:
    """What sends a batch of a signal's values, and tells whether it arrived.

    ``trace_id`` is the run's, of which log records name the spans.
    """
    given: dict[str, Any] = {"endpoint": endpoint, "timeout": timeout, "session": session}
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        spans = OTLPSpanExporter(**given)
        return lambda batch: spans.export(_spans(batch)).name == "SUCCESS"
    if signal == "metrics":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        metrics = OTLPMetricExporter(**given)
        return lambda batch: metrics.export(_metrics(batch)).name == "SUCCESS"
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    logs = OTLPLogExporter(**given)
    return lambda batch: logs.export(_logs(batch, trace_id)).name == "SUCCESS"


def _resource() -> Resource:
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win, as their documentation has it.
    usual: Mapping[str, str] = {"service.name": "lab", "service.version": __version__}
    told = Resource.create().attributes.items()
    named = {key: str(value) for key, value in told if not _placeholder(key, value)}
    return Resource({**usual, **named})


def _placeholder(key: str, value: object) -> bool:
    """Whether the SDK put it in for want of a name."""
    return key == "service.name" and str(value).startswith("unknown_service")


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(1)
    )


def _utf8(text: str) -> str:
    """Names of files that are no text stay readable; the SDK would leave the whole value out."""
    return text.encode(errors="backslashreplace").decode()


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _utf8(key): _utf8(value) if isinstance(value, str) else value
        for key, value in attributes.items()
    }


def _spans(spans: Sequence[Span]) -> list[ReadableSpan]:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace.status import Status, StatusCode

    resource = _resource()
    return [
        ReadableSpan(
            _utf8(span.name),
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent) if span.parent else None,
            resource=resource,
            attributes=_known(span.attributes),
            kind=SpanKind.SERVER if "cicd.pipeline.name" in span.attributes else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, _utf8(span.error[:500])) if span.error else Status(),
            start_time=span.start,
            end_time=span.end,
            instrumentation_scope=_SCOPE,
        )
        for span in spans
    ]


def _metrics(figures: Sequence[Figure]) -> MetricsData:
    from opentelemetry.sdk.metrics import export

    metrics = [
        export.Metric(
            name=name,
            description=values[0].said,
            unit=values[0].unit,
            data=export.Gauge([_point(one) for one in values]),
        )
        for name, each in groupby(figures, lambda figure: figure.name)
        for values in [list(each)]
    ]
    scope = export.ScopeMetrics(scope=_SCOPE, metrics=metrics, schema_url="")
    return export.MetricsData(
        [export.ResourceMetrics(resource=_resource(), scope_metrics=[scope], schema_url="")]
    )


def _point(one: Figure) -> Any:
    from opentelemetry.sdk.metrics.export import NumberDataPoint

    return NumberDataPoint(
        attributes=_known(one.attributes),
        start_time_unix_nano=0,
        time_unix_nano=one.at,
        value=one.value,
    )


def _logs(records: Sequence[LogRecord], trace_id: str) -> list[ReadableLogRecord]:
    from opentelemetry._logs import LogRecord as Said
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    resource = _resource()
    return [
        ReadableLogRecord(
            Said(
                timestamp=one.at,
                observed_timestamp=one.at,
                context=set_span_in_context(NonRecordingSpan(_context(trace_id, one.span))),
                severity_text=one.severity,
                severity_number=SeverityNumber[one.severity],
                body=_utf8(one.body),
                attributes=_known(one.attributes),
                event_name=one.event,
            ),
            resource,
            _SCOPE,
        )
        for one in records
    ]
