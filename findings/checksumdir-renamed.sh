#!/bin/sh
# checksumdir 1.3.0: two trees that build differently have the same digest.
#
# Guess: dirhash(folder, "sha256") is another one when a file is renamed, when two files exchange
# their contents, or when a script becomes executable: a key for "has the context changed".
# Seen: it is the digest of the files' sorted digests. Renames, exchanges and modes leave it as it
# is (include_paths=True counts names); a symbolic link counts as what it points to. A build that is
# passed over while this key stands still is a false hit: COPY's own key changes each time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check checksumdir==1.3.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import os
import pathlib
import sys

from checksumdir import dirhash

context = pathlib.Path(sys.argv[1])


def digest(files, run=0o644, **options):
    for old in context.iterdir():
        old.unlink()
    for name, content in files.items():
        (context / name).write_text(content)
    os.chmod(context / "run", run)
    return dirhash(str(context), "sha256", **options)


first = {"run": "old", "a.go": "1", "b.go": "2"}
renamed = {"run": "old", "a.go": "1", "b_test.go": "2"}
exchanged = {"run": "old", "a.go": "2", "b.go": "1"}
seen = {digest(first), digest(renamed), digest(exchanged), digest(first, run=0o755)}
print("digests of four trees:", seen)
assert len(seen) == 1
assert digest({**first, "a.go": "3"}) not in seen
assert digest(first, include_paths=True) != digest(renamed, include_paths=True)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with checksumdir 1.3.0"
