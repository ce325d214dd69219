#!/bin/sh
# lightkube 1.0.1 cannot read the CPU that the metrics API reports.
#
# Guess: parse_quantity reads each quantity that Kubernetes writes: its suffixes begin at n (nano),
# and 1E3 is a thousand (E alone is exa).
# Seen: metrics-server answers CPU in nanocores, "156340n"; that and "812u" raise ValueError: Invalid
# unit suffix, and so does "1E3". A watcher of builders' CPU ends at its first answer. "0.1m" becomes
# 0.001, rounded up as the API server does. The kubernetes client reads all four, but takes "1K" and
# "1 Gi" too, which a cluster refuses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    lightkube==1.0.1 kubernetes==37.0.2
cat >"$folder/seen.py" <<'PYTHON'
import kubernetes.utils
from lightkube.utils.quantity import parse_quantity


def read(parse, text):
    try:
        return float(parse(text))
    except ValueError:
        return None


seen = {}
for text in ("156340n", "812u", "1E3", "0.1m", "1k", "1K", "1 Gi"):
    light, client = (read(one, text) for one in (parse_quantity, kubernetes.utils.parse_quantity))
    seen[text] = (light, client)
    print(text, "lightkube:", light, "kubernetes:", client)
assert seen == {
    "156340n": (None, 0.00015634),
    "812u": (None, 0.000812),
    "1E3": (None, 1000.0),
    "0.1m": (0.001, 0.0001),
    "1k": (1000.0, 1000.0),
    "1K": (None, 1000.0),
    "1 Gi": (None, 1073741824.0),
}
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with lightkube 1.0.1"
