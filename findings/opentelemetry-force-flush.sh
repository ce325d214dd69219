#!/bin/sh
# opentelemetry-sdk: MeterProvider.force_flush() says True although nothing arrived.
#
# Guess: force_flush() tells whether what was collected has been exported (its docstring speaks of a
# time-out alone), so that a tool may say at its end whether its figures arrived.
# Seen: the collector answers each export with HTTP 404; force_flush() returns True, and the one
# sign is an ERROR line on the logger of the exporter.
# Whoever reports "metrics sent" by this value reports it of a wrong URL as well.
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

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader


class Refusing(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self):
        Refusing.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


class Kept(logging.Handler):
    lines: list = []

    def emit(self, record):
        Kept.lines.append(record.getMessage())


logging.getLogger("opentelemetry").addHandler(Kept(level=logging.ERROR))
server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
exporter = OTLPMetricExporter(endpoint=f"http://127.0.0.1:{server.server_port}/v1/metrics")
provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
provider.get_meter("lab").create_counter("builds").add(1)
said = provider.force_flush()
print("exports asked of the collector:", Refusing.asked, "- each answered with 404")
print("force_flush():", said)
print("errors logged:", len(Kept.lines))
assert Refusing.asked >= 1
assert said is True
assert Kept.lines
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with opentelemetry-sdk 1.45.2"
