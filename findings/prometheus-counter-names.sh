#!/bin/sh
# prometheus_client 0.26.0: a counter that is read and written again has another name.
#
# Guess: families of text_string_to_metric_families that are handed to a registry come out of
# generate_latest under the names they had (a proxy or a merge of several builders' pages).
# Seen: "# TYPE builds counter" with the sample builds comes out as builds_total. The text format
# allows a counter without _total; queries and alerts for the old name find nothing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prometheus_client==0.26.0
cat >"$folder/seen.py" <<'PYTHON'
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

PAGE = "# HELP builds d\n# TYPE builds counter\nbuilds 2.0\n"


class Proxy:
    def collect(self):
        yield from text_string_to_metric_families(PAGE)


registry = CollectorRegistry()
registry.register(Proxy())
written = generate_latest(registry).decode()
print(written)
assert written == "# HELP builds_total d\n# TYPE builds_total counter\nbuilds_total 2.0\n"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with prometheus_client 0.26.0"
