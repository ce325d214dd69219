#!/bin/sh
# opentelemetry-sdk 1.45.2: the span of a cancelled or interrupted build shows no error.
#
# Guess: start_as_current_span marks its span ERROR and records the exception, whatever ends it.
# Seen: so for ValueError. For asyncio.CancelledError (a build cancelled by a time-out or a task
# group), KeyboardInterrupt and SystemExit the status is UNSET and there is no event: only Exception
# is caught. A backend counts these builds with the good ones, and short ones at that.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
cat >"$folder/seen.py" <<'PYTHON'
import asyncio

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("tried")
for error in (ValueError, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
    try:
        with tracer.start_as_current_span(error.__name__):
            raise error
    except error:
        pass
seen = {s.name: (s.status.status_code.name, len(s.events)) for s in exporter.get_finished_spans()}
print(seen)
assert seen["ValueError"] == ("ERROR", 1)
assert seen["CancelledError"] == seen["KeyboardInterrupt"] == seen["SystemExit"] == ("UNSET", 0)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with opentelemetry-sdk 1.45.2"
