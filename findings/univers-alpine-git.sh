#!/bin/sh
# univers 32.0.1 refuses the version of musl in Alpine 3.19.
#
# Guess: AlpineLinuxVersion takes every version that apk takes; _git is one of apk's suffixes, beside
# _alpha, _beta, _pre, _rc, _cvs, _svn, _hg and _p.
# Seen: 1.2.4_git20230717-r4 (musl, in each image of Alpine 3.19) raises InvalidVersion, while _rc and
# _p are read. A scanner that compares the packages of an image stops at its C library.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check univers==32.0.1
cat >"$folder/seen.py" <<'PYTHON'
from univers.versions import AlpineLinuxVersion, InvalidVersion

assert AlpineLinuxVersion("1.2.3_rc1-r1") < AlpineLinuxVersion("1.2.3-r0")
assert AlpineLinuxVersion("1.2.3_p1-r0") > AlpineLinuxVersion("1.2.3-r0")
try:
    AlpineLinuxVersion("1.2.4_git20230717-r4")
except InvalidVersion as error:
    print("InvalidVersion:", error)
else:
    raise SystemExit("it was read")
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with univers 32.0.1"
