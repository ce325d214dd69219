#!/bin/sh
# sarif-tools 3.0.5: --check fails a build for findings that are fixed or accepted.
#
# Guess: "sarif --check error summary" counts what is there and open: not a result whose
# baselineState is "absent" (it was in the last scan and is gone), nor one with an accepted
# suppression.
# Seen: both count as errors, and the exit code is 1 (a filter file of one's own can leave them out).
# A scanner that tells what was mended since the baseline fails the very build that mends it. kind
# "pass" is left out as it should be. A result that names its rule by ruleIndex alone, as SARIF 2.1.0
# allows, ends in KeyError: 'ruleId'.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sarif-tools==3.0.5
cat >"$folder/seen.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
RULE = {"id": "A", "defaultConfiguration": {"level": "error"}}


def check(**result):
    place = {"artifactLocation": {"uri": "Dockerfile"}, "region": {"startLine": 3}}
    found = {"message": {"text": "m"}, "locations": [{"physicalLocation": place}], **result}
    run = {"tool": {"driver": {"name": "scanner", "rules": [RULE]}}, "results": [found]}
    file = folder / "a.sarif"
    file.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    words = [folder / "venv/bin/sarif", "--check", "error", "summary", file]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.returncode, done.stderr.strip().rpartition("\n")[2]


seen = {
    "open": check(ruleId="A"),
    "kind pass": check(ruleId="A", kind="pass"),
    "absent": check(ruleId="A", baselineState="absent"),
    "accepted": check(ruleId="A", suppressions=[{"kind": "external", "status": "accepted"}]),
    "ruleIndex alone": check(ruleIndex=0),
}
for name, (code, error) in seen.items():
    print(name, code, error)
codes = {name: code for name, (code, _) in seen.items()}
assert codes == {"open": 1, "kind pass": 0, "absent": 1, "accepted": 1, "ruleIndex alone": 1}
assert seen["ruleIndex alone"][1] == "KeyError: 'ruleId'"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with sarif-tools 3.0.5"
