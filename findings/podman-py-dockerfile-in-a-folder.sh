#!/bin/sh
# podman 5.8.0 (podman-py): a Dockerfile in a folder of the context is copied beside your sources.
#
# Guess: images.build(path=".", dockerfile="docker/Dockerfile") sends that path, as `podman build -f
# docker/Dockerfile .` does, and writes nothing.
# Seen: each build copies the file to .containerfile.<random digits> at the top of the context, and
# leaves it there. The next build sends the old copies too: COPY . . is never cached, the image holds
# them, and a work tree that was clean has one more file a build (seen with a Podman 4.3 service).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check podman==5.8.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import os
import pathlib
import sys

from podman.api import prepare_containerfile

context = pathlib.Path(sys.argv[1])
(context / "docker").mkdir()
(context / "docker" / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
for _ in range(2):
    prepare_containerfile(str(context), str(context / "docker" / "Dockerfile"))
left = sorted(name for name in os.listdir(context) if name != "docker")
print("left in the context by two builds:", left)
assert len(left) == 2
assert all(name.startswith(".containerfile.") for name in left)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with podman 5.8.0"
