#!/bin/sh
# dockerfile-parse 2.0.1 reads the lines of a here-document as instructions.
#
# Guess: a parser of Dockerfiles passes over the body of RUN <<EOF (BuildKit has here-documents
# since 2021), or refuses the file.
# Seen: a line "FROM inside" in the body becomes a second stage and a parent image, and the body's
# other words become instructions; is_multistage says True of a file of one stage. No error, no
# warning.
# A lab that takes base images from this list validates an image that the file never names.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dockerfile-parse==2.0.1
cat >"$folder/seen.py" <<'PYTHON'
import io

from dockerfile_parse import DockerfileParser

parser = DockerfileParser(fileobj=io.BytesIO())
parser.content = "FROM alpine\nRUN <<EOF\nFROM inside\necho done\nEOF\nCMD x\n"
names = [one["instruction"] for one in parser.structure]
print("instructions:", names)
print("parent images:", parser.parent_images, "multistage:", parser.is_multistage)
assert names == ["FROM", "RUN", "FROM", "ECHO", "EOF", "CMD"]
assert parser.parent_images == ["alpine", "inside"]
assert parser.is_multistage is True
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with dockerfile-parse 2.0.1"
