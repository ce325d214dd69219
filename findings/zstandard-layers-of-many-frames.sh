#!/bin/sh
# zstandard 0.25.0: decompress() gives the first file of a zstd:chunked layer, and no error.
#
# Guess: ZstdDecompressor().decompress(layer) gives the layer's whole tar, or raises where it does
# not; the zstd command, and every engine, decompress it whole.
# Seen: podman's zstd:chunked layers (containers-storage) hold a frame a file, so that parts can be
# fetched, and end with a skippable frame. decompress() stops after the first frame: 1,536 of 10,240
# bytes, silently, for its extra data is allowed by default. tarfile then finds a layer of one file.
# stream_reader and copy_stream read all frames. With allow_extra_data=False it raises.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zstandard==0.25.0
cat >"$folder/seen.py" <<'PYTHON'
import io
import tarfile

import zstandard

whole = io.BytesIO()
with tarfile.open(fileobj=whole, mode="w") as tar:
    for name in ("first", "second"):
        member = tarfile.TarInfo(name)
        member.size = 1000
        tar.addfile(member, io.BytesIO(name[:1].encode() * 1000))
plain = whole.getvalue()
compressor = zstandard.ZstdCompressor()
note = (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"note"
layer = compressor.compress(plain[:1536]) + compressor.compress(plain[1536:]) + note

at_once = zstandard.ZstdDecompressor().decompress(layer)
stream = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(layer)).read()
print("bytes: decompress", len(at_once), "stream_reader", len(stream), "the tar", len(plain))
assert at_once == plain[:1536]
assert stream == plain
try:
    zstandard.ZstdDecompressor().decompress(layer, allow_extra_data=False)
except zstandard.ZstdError as error:
    print("allow_extra_data=False:", error)
else:
    raise SystemExit("it did not raise")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with zstandard 0.25.0"
