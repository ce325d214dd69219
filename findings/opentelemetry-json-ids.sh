#!/bin/sh
# opentelemetry-proto 1.45.2 with protobuf's JSON: a hex trace id becomes another id, silently.
#
# Guess: json_format reads and writes OTLP/JSON, as the messages are OTLP's own, or refuses an id
# that is not 16 bytes.
# Seen: OTLP/JSON writes ids in hex; protobuf's JSON takes them for base64. The 32 hex digits are
# valid base64: the id has 24 bytes, the span id 12. The other way, MessageToDict writes base64 and
# "SPAN_KIND_SERVER", where OTLP/JSON has hex and 2. Spans in a collector's file no longer join.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-proto==1.45.2 protobuf==6.33.0
cat >"$folder/seen.py" <<'PYTHON'
from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "5b8efff798038103d269b633813fc60c"
read = ParseDict({"traceId": TRACE, "spanId": "eee19b7ec3c1b174", "kind": 2}, Span())
print("bytes of the ids read:", len(read.trace_id), len(read.span_id))
written = MessageToDict(Span(trace_id=bytes.fromhex(TRACE), kind=2))
print("written:", written)
assert (len(read.trace_id), len(read.span_id)) == (24, 12)
assert written == {"traceId": "W47/95gDgQPSabYzgT/GDA==", "kind": "SPAN_KIND_SERVER"}
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with opentelemetry-proto 1.45.2"
