#!/bin/sh
# opentelemetry-exporter-otlp-proto-http: a redirect of the collector's address counts as sent.
#
# Guess: a collector that answers an export with a redirect (a gateway that wants a login, or http
# that moves to https) has not taken the spans, so export() gives FAILURE, as it does for a 404.
# Seen: export() gives SUCCESS and nothing is logged. The redirect is not followed either: the one
# request is the POST that was answered with 302, and the spans are nowhere.
# Whoever says "trace sent" by this value says it of a gateway's login page as well.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
cat >"$folder/seen.py" <<'PYTHON'
import http.server
import logging
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult


class Gateway(http.server.BaseHTTPRequestHandler):
    asked: list = []

    def answer(self, status):
        length = int(self.headers.get("Content-Length", 0))
        Gateway.asked.append(f"{self.command} {self.path} ({length} bytes)")
        self.rfile.read(length)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.answer(302)

    def do_GET(self):
        self.answer(200)

    def log_message(self, *words):
        pass


class Kept(logging.Handler):
    lines: list = []

    def emit(self, record):
        Kept.lines.append(record.getMessage())


class Told(OTLPSpanExporter):
    results: list = []

    def export(self, spans):
        Told.results.append(super().export(spans))
        return Told.results[-1]


logging.getLogger("opentelemetry").addHandler(Kept(level=logging.WARNING))
server = http.server.HTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
provider = TracerProvider()
exporter = Told(endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces")
provider.add_span_processor(SimpleSpanProcessor(exporter))
with provider.get_tracer("lab").start_as_current_span("build"):
    pass
print("requests:", *Gateway.asked, sep="\n  ")
print("export():", Told.results[0])
print("warnings and errors logged:", len(Kept.lines))
assert Gateway.asked[0].startswith("POST /v1/traces")
assert len(Gateway.asked) == 1
assert Told.results == [SpanExportResult.SUCCESS]
assert not Kept.lines
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with opentelemetry-exporter-otlp-proto-http 1.45.2"
