#!/bin/sh
# podman 5.8.0 (podman-py): images.build(path=folder) does not find the folder's Dockerfile.
#
# Guess: without dockerfile=, the engine looks for Containerfile, then Dockerfile, as `podman build`
# and docker's SDK do.
# Seen: the request names ".containerfile.<random digits>", which nothing makes. A service (Podman
# 4.3 was tried) ends the build with "no such file or directory", naming a file that no user wrote.
# dockerfile="Dockerfile" is the way.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check podman==5.8.0
mkdir "$folder/context"
cat >"$folder/seen.py" <<'PYTHON'
import io
import pathlib
import sys
import tarfile
import urllib.parse

import podman
import requests
from requests.adapters import BaseAdapter

context = pathlib.Path(sys.argv[1])
(context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
sent = []


class Listener(BaseAdapter):
    """What would go to the service is kept, and answered as a finished build."""

    def send(self, request, **_):
        if request.method == "POST":
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)
            names = tarfile.open(fileobj=io.BytesIO(request.body.read())).getnames()
            sent.append((query["dockerfile"], sorted(names)))
        answer = requests.Response()
        answer.status_code = 200
        answer.raw = io.BytesIO(b'{"stream": "0123abcd\\n", "Id": "0123abcd"}')
        return answer

    def close(self):
        pass


client = podman.PodmanClient(base_url="http://127.0.0.1:1")
client.api.mount("http://", Listener())
client.images.build(path=str(context))
[(named, names)] = sent
print("the request names", named, "the context holds", names)
assert named[0].startswith(".containerfile.")
assert names == ["", "Dockerfile"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder/context"
echo "as found with podman 5.8.0"
