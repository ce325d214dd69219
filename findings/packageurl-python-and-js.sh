#!/bin/sh
# packageurl-python 0.17.6 and packageurl-js 2.0.1: one package, two canonical texts.
#
# Guess: both are the purl project's own and write the same package URL the same, so that SBOMs of
# tools in Python and JavaScript can be joined by its text.
# Seen: a plus is %2B in Python and + in JavaScript: every binNMU of Debian (7.50.3-1+b1), +deb12u1
# and each Go module that is +incompatible. A slash in a qualifier is the other way about:
# repository_url=ghcr.io/a in Python, ghcr.io%2Fa in JavaScript. Read by either, both mean the same;
# compared as text, a package of the image is in one list and missing in the other.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check packageurl-python==0.17.6
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" packageurl-js@2.0.1
cat >"$folder/seen.py" <<'PYTHON'
import sys

from packageurl import PackageURL

for text in sys.argv[1:]:
    print(PackageURL.from_string(text).to_string())
PYTHON
cat >"$folder/seen.js" <<'JS'
const { PackageURL } = require("packageurl-js");
for (const text of process.argv.slice(2)) console.log(PackageURL.fromString(text).toString());
JS
set -- "pkg:deb/debian/curl@7.50.3-1+b1" "pkg:golang/example.org/a@v2.0.0+incompatible" \
    "pkg:oci/app@sha256:ab?repository_url=ghcr.io/a/app" "pkg:apk/alpine/musl@1.2.4-r2"
python=$("$folder/venv/bin/python" "$folder/seen.py" "$@")
js=$(node "$folder/seen.js" "$@")
printf '%s\n\n%s\n' "$python" "$js"
[ "$python" = "pkg:deb/debian/curl@7.50.3-1%2Bb1
pkg:golang/example.org/a@v2.0.0%2Bincompatible
pkg:oci/app@sha256:ab?repository_url=ghcr.io/a/app
pkg:apk/alpine/musl@1.2.4-r2" ]
[ "$js" = "pkg:deb/debian/curl@7.50.3-1+b1
pkg:golang/example.org/a@v2.0.0+incompatible
pkg:oci/app@sha256:ab?repository_url=ghcr.io%2Fa%2Fapp
pkg:apk/alpine/musl@1.2.4-r2" ]
echo "as found with packageurl-python 0.17.6 and packageurl-js 2.0.1"
