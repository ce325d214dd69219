#!/bin/sh
# dockerfile-parse 2.0.1: setting parent_images drops --platform, and ${NAME:-default} is not read.
#
# Guess: parser.parent_images = [...] (the way to pin base images) changes the image and nothing
# else of FROM; ${REGISTRY:-quay.io} gives the default where no ARG is set, as in every engine.
# Seen: "FROM --platform=linux/arm64 a AS x" becomes "FROM c AS x": the pinned file builds for
# another machine. The default form gives the image ":-quay.io}/a:1", and with ARG set
# "docker.io:-quay.io}/a:1". No error either time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dockerfile-parse==2.0.1
cat >"$folder/seen.py" <<'PYTHON'
import io

from dockerfile_parse import DockerfileParser


def parsed(text):
    parser = DockerfileParser(fileobj=io.BytesIO())
    parser.content = text
    return parser


pinned = parsed("FROM --platform=linux/arm64 a AS x\nRUN y\n")
pinned.parent_images = ["c"]
print("pinned:", repr(pinned.content))
unset = parsed("FROM ${REGISTRY:-quay.io}/a:1\n").parent_images
given = parsed("ARG REGISTRY=docker.io\nFROM ${REGISTRY:-quay.io}/a:1\n").parent_images
print("without ARG:", unset, "with ARG:", given)
assert pinned.content == "FROM c AS x\nRUN y\n"
assert unset == [":-quay.io}/a:1"]
assert given == ["docker.io:-quay.io}/a:1"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with dockerfile-parse 2.0.1"
