#!/bin/sh
# in-toto 3.1.0: materials that are not there are no error, and a linked folder is not recorded.
#
# Guess: a path given as a material that does not exist stops the step; a symbolic link to a folder
# is recorded; exclude_patterns adds to the patterns that are left out by default.
# Seen: {src, nope} records src alone, and the linked folder is nowhere in the link, both without an
# error. One exclude pattern of your own replaces the defaults: .git is then recorded. A misspelt
# path gives an attestation that says nothing of the sources.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check in-toto==3.1.0
cat >"$folder/seen.py" <<'PYTHON'
import os
import pathlib
import tempfile

from in_toto.runlib import record_artifacts_as_dict

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for name in ("src/main.go", ".git/HEAD"):
        pathlib.Path(name).parent.mkdir()
        pathlib.Path(name).write_text(name)
    os.symlink("src", "linked")
    missing = sorted(record_artifacts_as_dict(["src", "nope"]))
    whole = sorted(record_artifacts_as_dict(["."]))
    excluding = sorted(record_artifacts_as_dict(["."], exclude_patterns=["*.tmp"]))
    os.chdir("/")
print("with a missing path:", missing, "all:", whole, "with a pattern:", excluding)
assert missing == whole == ["src/main.go"]
assert excluding == [".git/HEAD", "src/main.go"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with in-toto 3.1.0"
