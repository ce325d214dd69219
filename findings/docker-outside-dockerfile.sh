#!/bin/sh
# docker 7.2.0 (Python SDK): with a Dockerfile outside the context, COPY . . is never cached.
#
# Guess: images.build(path=..., dockerfile="../Dockerfile") sends the same context each time, and so
# the second build hits, as `docker build -f ../Dockerfile .` does.
# Seen: the SDK gives the Dockerfile a random name and appends that name to the .dockerignore that it
# sends. Where a .dockerignore exists, COPY . . copies it: its content is another one at each build,
# and the step and all that follow run again (seen on Docker 20.10 too: COPY a hits, COPY . . never).
# The request's query also holds the Dockerfile's whole text, as a second value of "dockerfile".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docker==7.2.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import io
import pathlib
import sys
import tarfile
import urllib.parse

import docker
import requests
from requests.adapters import BaseAdapter

context = pathlib.Path(sys.argv[1])
(context / "main.go").write_text("package main")
(context / ".dockerignore").write_text("*.log\n")
outside = context.parent / "Dockerfile"
outside.write_text("FROM scratch\nCOPY . .\n")
sent = []


class Listener(BaseAdapter):
    """What would go to a daemon is kept, and answered with nothing."""

    def send(self, request, **_):
        archive = tarfile.open(fileobj=io.BytesIO(request.body.read()))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)
        sent.append((query["dockerfile"], archive.extractfile(".dockerignore").read().decode()))
        answer = requests.Response()
        answer.status_code, answer.raw = 200, io.BytesIO(b"{}")
        return answer

    def close(self):
        pass


client = docker.APIClient(base_url="http://127.0.0.1:1", version="1.41")
client.mount("http://", Listener())
for _ in range(2):
    client.build(path=str(context), dockerfile=str(outside))
(first, ignored), (second, ignored_again) = sent
print("query:", first)
print(".dockerignore of two builds of the same folder:", [ignored, ignored_again])
assert ignored.startswith("*.log\n.dockerfile.")
assert ignored != ignored_again
assert first[1] == second[1] == outside.read_text()
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with docker 7.2.0"
