#!/bin/sh
# docker 7.2.0 (Python SDK): "*" and then "!**/*.go" sends the Go files of the top folder alone.
#
# Guess: an exception with a wildcard in a .dockerignore means what it means to BuildKit: every .go
# file, at any depth. A class [^a] leaves out the names of one letter other than a.
# Seen: a folder that is left out is entered only where an exception begins with its very name, so
# pkg/b.go is not sent ("!pkg/*.go" would bring it). No error: go build lacks a package, or COPY
# brings less. And [^a] goes to Python's fnmatch, which reads it as "a or ^": a is left out, b is sent.
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
for name in ("Dockerfile", "a", "b", "main.go", "pkg/b.go", "pkg/b.txt"):
    file = context / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(name)


def files(*patterns):
    sent = exclude_paths(str(context), list(patterns))
    return {name for name in sent if (context / name).is_file()} - {"Dockerfile"}


seen = [files("*", "!**/*.go"), files("*", "!pkg/*.go"), files("[^a]", "pkg")]
for names in seen:
    print("sent:", sorted(names))
assert seen == [{"main.go"}, {"pkg/b.go"}, {"b", "main.go"}]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with docker 7.2.0"
