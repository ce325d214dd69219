#!/bin/sh
# zstandard 0.25.0: with threads=1 the same layer has another digest, and can be three times as large.
#
# Guess: threads=1 is one thread, as threads=0 (the default) is: the same bytes.
# Seen: threads=1 turns on the multi-threaded mode, which cuts the input into jobs and loses matches
# between them: other bytes, and 3.6 times as many for data that repeats itself after megabytes, as
# several Go programs in one layer do. threads=2 gives the bytes of threads=1. copy_stream does not
# know the size and gives a third form, 4.6 times as large. What looks like speed alone decides a
# layer's digest, and so whether a registry has it already.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zstandard==0.25.0
cat >"$folder/seen.py" <<'PYTHON'
import hashlib
import io
import random

import zstandard

source = random.Random(1)
part = bytes(source.choices(b"abcdefgh \n", k=2_000_000))
layer = b"".join(part[at * 7 :] + part for at in range(8))
made = {
    threads: zstandard.ZstdCompressor(threads=threads).compress(layer) for threads in (0, 1, 2)
}
streamed = io.BytesIO()
zstandard.ZstdCompressor().copy_stream(io.BytesIO(layer), streamed)
made["copy_stream"] = streamed.getvalue()
for name, data in made.items():
    print(name, len(data), hashlib.sha256(data).hexdigest()[:12])
    assert zstandard.ZstdDecompressor().stream_reader(data).read() == layer
assert made[1] == made[2] != made[0] != made["copy_stream"]
assert len(made[1]) > 3 * len(made[0])
assert len(made["copy_stream"]) > 4 * len(made[0])
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with zstandard 0.25.0"
