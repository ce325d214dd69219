#!/bin/sh
# podman 5.8.0 (podman-py): .dockerignore means something else than to podman itself.
#
# Guess: images.build(path=...) leaves out what `podman build` leaves out.
# Seen: each line goes to Python's fnmatch over the whole path. "*" followed by "!src" (send only
# src) sends not one file, not the Dockerfile either; "docs/" and "/docs" leave nothing out; "*.md"
# leaves out files in every folder, not only at the top. The same Dockerfile misses and hits at other
# places in a program than on the command line.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check podman==5.8.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import pathlib
import sys
import tarfile

from podman.api import create_tar, prepare_containerignore

context = pathlib.Path(sys.argv[1])
for name in ("Dockerfile", "top.md", "docs/page.md", "src/main.go"):
    file = context / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(name)


def files(ignore):
    (context / ".dockerignore").write_text(ignore)
    excluded = prepare_containerignore(str(context))
    with create_tar(anchor=str(context), exclude=excluded) as sent:
        members = tarfile.open(fileobj=sent).getmembers()
    return {one.name for one in members if one.isfile()} - {".dockerignore"}


everything = {"Dockerfile", "top.md", "docs/page.md", "src/main.go"}
seen = {line: files(line) for line in ("*\n!src\n", "docs/\n", "/docs\n", "*.md\n")}
for line, names in seen.items():
    print(repr(line), sorted(names))
assert seen["*\n!src\n"] == set()
assert seen["docs/\n"] == seen["/docs\n"] == everything
assert seen["*.md\n"] == {"Dockerfile", "src/main.go"}
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with podman 5.8.0"
