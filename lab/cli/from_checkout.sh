#!/bin/sh
# `lab` out of a checkout, for CI jobs and hooks: advise, predict, why and replay need nothing but
# Python, so nothing is installed. LAB_PYTHON names another than python3.
set -eu
python=${LAB_PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "lab: it needs Python 3.11 or newer, and $python is not" >&2
    echo "  next: name one by LAB_PYTHON" >&2
    exit 12
}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# -P: a folder named lab where this is called is not taken for this one.
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec "$python" -P -m lab "$@"
