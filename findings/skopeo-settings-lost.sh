#!/bin/sh
# skopeo 1.9.3 (Debian 12): from docker-archive to OCI an image loses ONBUILD, HEALTHCHECK and SHELL.
#
# Guess: copying an image between two local forms changes how it is packed, not what it is: its
# settings and its ID (the digest of its configuration) stay; what has no place in OCI is told.
# Seen: OnBuild, Healthcheck, Shell and StopTimeout are gone, the ID is another one, and the exit code
# is 0 without a warning, although docker and buildx keep these four in OCI layouts of their own. A
# base image that is moved so no longer runs its triggers; a build FROM it has fewer steps.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet skopeo=1.9.3+ds1-1+b10 libgpgme11 libassuan0 libgpg-error0 \
    libdevmapper1.02.1 >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" .; done
cat >seen.py <<'PYTHON'
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def blob(descriptor):
    return json.loads((pathlib.Path("oci/blobs/sha256") / descriptor["digest"][7:]).read_text())


layer = archive({"app": b"app"})
settings = {
    "Cmd": ["/app"],
    "StopSignal": "SIGINT",
    "OnBuild": ["COPY . /src"],
    "Healthcheck": {"Test": ["CMD", "/app", "--health"]},
    "Shell": ["/bin/bash", "-c"],
    "StopTimeout": 5,
}
image = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2024-01-01T00:00:00Z",
    "config": settings,
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "COPY app /"}],
}
text = json.dumps(image).encode()
config = hashlib.sha256(text).hexdigest() + ".json"
names = [{"Config": config, "RepoTags": ["docker.io/library/a:1"], "Layers": ["layer.tar"]}]
pathlib.Path("image.tar").write_bytes(
    archive({config: text, "layer.tar": layer, "manifest.json": json.dumps(names).encode()})
)
words = ["usr/bin/skopeo", "--insecure-policy", "copy", "docker-archive:image.tar", "oci:oci:1"]
done = subprocess.run(words, capture_output=True, text=True, check=True)
[descriptor] = json.loads(pathlib.Path("oci/index.json").read_text())["manifests"]
manifest = blob(descriptor)
written = blob(manifest["config"])["config"]
lost = sorted(settings.keys() - written.keys())
print("lost:", lost, "kept:", sorted(written), "said:", done.stderr.split("\n"))
assert lost == ["Healthcheck", "OnBuild", "Shell", "StopTimeout"]
assert written == {"Cmd": ["/app"], "StopSignal": "SIGINT"}
assert manifest["config"]["digest"][7:] + ".json" != config
assert "warn" not in (done.stdout + done.stderr).lower()
PYTHON
LD_LIBRARY_PATH=$PWD/usr/lib/x86_64-linux-gnu:$PWD/lib/x86_64-linux-gnu python3 seen.py
echo "as found with skopeo 1.9.3"
