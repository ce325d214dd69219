#!/bin/sh
# lib4sbom 0.10.4: from CycloneDX to SPDX, what needs left 2.0 is said to need left 1.0.
#
# Guess: an image that holds a library in two versions (node_modules, vendored Go, wheels inside
# wheels) keeps them apart: each relationship names the package that the dependency named.
# Seen: both packages are written, but relationships are looked up by name, and the first of that
# name gets them all. Nothing needs left 2.0 any more: who asks what a hole in one of the two
# versions reaches is told the wrong packages. From SPDX to SPDX it stays right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lib4sbom==0.10.4
cat >"$folder/seen.py" <<'PYTHON'
import json
import pathlib
import sys

from lib4sbom.generator import SBOMGenerator
from lib4sbom.parser import SBOMParser

given, written = (pathlib.Path(sys.argv[1]) / name for name in ("given.json", "written.json"))
LIBRARIES = {"one": ("left", "1.0"), "two": ("left", "2.0"), "new": ("right", "3.0")}
given.write_text(
    json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": {"type": "container", "name": "image", "bom-ref": "image"}},
            "components": [
                {"type": "library", "name": name, "version": version, "bom-ref": ref}
                for ref, (name, version) in LIBRARIES.items()
            ],
            "dependencies": [
                {"ref": "image", "dependsOn": ["one", "new"]},
                {"ref": "new", "dependsOn": ["two"]},
            ],
        }
    )
)
parser = SBOMParser()
parser.parse_file(str(given))
SBOMGenerator(sbom_type="spdx", format="json").generate(
    "image", parser.get_sbom(), filename=str(written)
)
document = json.loads(written.read_text())
names = {one["SPDXID"]: f"{one['name']} {one['versionInfo']}" for one in document["packages"]}
needs = [
    (names[one["spdxElementId"]], names[one["relatedSpdxElement"]])
    for one in document["relationships"]
    if one["relationshipType"] == "DEPENDS_ON"
]
print("packages:", sorted(names.values()), "needs:", needs)
assert sorted(names.values()) == ["left 1.0", "left 2.0", "right 3.0"]
assert needs == [("right 3.0", "left 1.0")]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with lib4sbom 0.10.4"
