#!/bin/sh
# oras 0.2.43 (Python SDK) takes localhost/NAME for a repository of Docker Hub.
#
# Guess: the first part "localhost" is a registry, as docker, podman, skopeo and the oras command
# read it (a first part with a dot, with a colon, or localhost).
# Seen: Container("localhost/app:1") has the registry docker.io and the namespace localhost; with a
# port it is read right. podman names every local build localhost/..., so such a name goes to the
# Hub. A name without a registry goes to docker.io/v2/ubuntu, without library/.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check oras==0.2.43
cat >"$folder/seen.py" <<'PYTHON'
from oras.container import Container

for name in ("localhost/app:1", "localhost:5000/app:1", "ubuntu"):
    print(name, "=>", Container(name).manifest_url())
assert Container("localhost/app:1").registry == "docker.io"
assert Container("localhost/app:1").namespace == "localhost"
assert Container("localhost:5000/app:1").registry == "localhost:5000"
assert Container("ubuntu").manifest_url() == "docker.io/v2/ubuntu/manifests/latest"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with oras 0.2.43"
