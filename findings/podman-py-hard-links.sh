#!/bin/sh
# podman 5.8.0 (podman-py): of files that are hard links of each other, one reaches the build.
#
# Guess: every name in the context reaches the engine, as a file or as a link in the tar; docker's
# SDK sends the second name as a hard link.
# Seen: the context is made with a filter that passes files, folders and symbolic links. Python's
# tarfile marks the second name of an inode as a hard link, so the filter drops it: no error, no
# warning. A tree made by `cp -l`, pnpm or a store of Go toolchains arrives with files missing, and
# which ones depends on the order of names.
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
import tarfile

from podman.api import create_tar

context = pathlib.Path(sys.argv[1])
(context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
(context / "one").write_text("the same")
os.link(context / "one", context / "two")
with create_tar(anchor=str(context)) as sent:
    names = sorted(tarfile.open(fileobj=sent).getnames())
print("on disk:", sorted(os.listdir(context)), "in the context:", names)
assert names == ["", "Dockerfile", "one"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with podman 5.8.0"
