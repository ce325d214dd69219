"""A collector that takes OTLP over HTTP, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What arrived. ``answer`` is the status it gives, ``wait_s`` how long it takes to.

    ``answers`` are those of single paths, such as /v1/metrics; ``asked`` all paths in their order.
    """

    url: str
    answer: int = 200
    wait_s: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> None:
        """A request's body. Raises AssertionError where it is sent to no signal's place."""
        if path == "/v1/traces":
            self.requests.append(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            told = ExportMetricsServiceRequest.FromString(body)
            scopes = [scope for one in told.resource_metrics for scope in one.scope_metrics]
            self.metrics += [metric for scope in scopes for metric in scope.metrics]
        else:
            assert path == "/v1/logs", path
            said = ExportLogsServiceRequest.FromString(body)
            found = [scope for one in said.resource_logs for scope in one.scope_logs]
            self.logs += [record for scope in found for record in scope.log_records]

    @property
    def spans(self) -> list[Span]:
        """All spans, by whatever service."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def services(self) -> set[str]:
        """Who sent them."""
        return {
            each.value.string_value
            for request in self.requests
            for resource in request.resource_spans
            for each in resource.resource.attributes
            if each.key == "service.name"
        }


def attributes(span: Span | LogRecord | NumberDataPoint) -> dict[str, object]:
    """The attributes of a span, a record or a point as plain values."""
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in span.attributes
    }


@contextmanager
def collector(host: str = "127.0.0.1") -> Iterator[Collector]:
    """One that listens while this lasts."""
    found = Collector("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(found.wait_s)
            answer = found.answers.get(self.path, found.answer)
            found.asked.append(self.path)
            if answer == 200:
                found.take(self.path, body)
            self._say(answer)

        def do_GET(self) -> None:
            self._say(200)

        def _say(self, status: int) -> None:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/login")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    found.url = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
