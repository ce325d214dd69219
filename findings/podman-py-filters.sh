#!/bin/sh
# podman 5.8.0 (podman-py): a list of labels to filter by becomes one label; nano_cpus is dropped.
#
# Guess: filters={"label": ["a=b", "c"]} asks for both labels, as docker's SDK does with this value.
# Seen: the request holds {"label": ["['a=b', 'c']"]}, Python's text of the list: a label that no image
# has. And nano_cpus is accepted and dropped: what asks for a part of a CPU gets all of them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check podman==5.8.0 docker==7.2.0
cat >"$folder/seen.py" <<'PYTHON'
import json

from docker.utils import convert_filters
from podman.api import prepare_filters
from podman.domain.containers_create import CreateMixin

asked = {"label": ["a=b", "c"]}
print("podman:", prepare_filters(asked), "docker:", convert_filters(asked))
assert json.loads(prepare_filters(asked)) == {"label": ["['a=b', 'c']"]}
assert json.loads(convert_filters(asked)) == asked


def payload(**options):
    return CreateMixin._render_payload({"image": "a", "command": [], **options})


assert payload(nano_cpus=500_000_000) == payload()
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with podman 5.8.0"
