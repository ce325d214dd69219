#!/bin/sh
# opencontainers 0.0.15: a manifest that builders write today ends the program that reads it.
#
# Guess: Manifest().load() reads a manifest of image-spec 1.1, or raises an exception, as the
# specification tells readers to pass over properties that they do not know.
# Seen: "mediaType" (in every manifest of buildx) and "os.version" (in the configuration of a Windows
# image) are logged as not valid, and the library calls sys.exit(1). SystemExit passes by "except
# Exception": a service or a test run that looks at one image ends.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencontainers==0.0.15
cat >"$folder/seen.py" <<'PYTHON'
from opencontainers.image.v1 import Image, Manifest

DIGEST = "sha256:" + "a" * 64
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = {
    "schemaVersion": 2,
    "config": {"mediaType": CONFIG, "digest": DIGEST, "size": 2},
    "layers": [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 2}
    ],
}
IMAGE = {
    "architecture": "amd64",
    "os": "linux",
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
}


def ended(kind, text):
    try:
        kind().load(text)
    except SystemExit as end:
        return end.code
    return None


typed = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **MANIFEST}
seen = {
    "manifest": ended(Manifest, MANIFEST),
    "manifest with mediaType": ended(Manifest, typed),
    "configuration": ended(Image, IMAGE),
    "configuration with os.version": ended(Image, {**IMAGE, "os.version": "10.0"}),
}
print("SystemExit:", seen)
assert list(seen.values()) == [None, 1, None, 1]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with opencontainers 0.0.15"
