#!/bin/sh
# docker 7.2.0 (Python SDK) reads .dockerignore without regard to upper and lower case.
#
# Guess: the SDK matches as the docker command and BuildKit do, case for case; the daemon that it
# talks to runs on Linux.
# Seen: the line "readme.md" keeps README.md out of the context, and "build" keeps out a folder
# Build: both sides are lower-cased first. A COPY of such a file fails, or COPY . . brings an image
# without it, in a program (testcontainers too); the same Dockerfile is right from the command line.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docker==7.2.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import pathlib
import sys

from docker.utils.build import exclude_paths

context = pathlib.Path(sys.argv[1])
for name in ("Dockerfile", "README.md", "Build/app", "main.go"):
    file = context / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(name)
sent = exclude_paths(str(context), ["readme.md", "build"])
print("in the context:", sorted(sent))
assert sent == {"Dockerfile", "main.go"}
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with docker 7.2.0"
