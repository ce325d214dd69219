#!/bin/sh
# lib4sbom 0.10.4: an SBOM that was for named readers only leaves as TLP:CLEAR, for everyone.
#
# Guess: the distribution constraint of a CycloneDX 1.7 file (metadata.distributionConstraints.tlp)
# is what it was when the file is read and written again; a file without one gets none.
# Seen: RED becomes CLEAR, and a file that says nothing (1.5 too) is written as 1.7 with CLEAR: the
# author's consent to publish that no author gave. No warning. A portal that decides by this field
# publishes what must not be.
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


def again(version, **metadata):
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "image", "bom-ref": "0"}, **metadata},
        "components": [{"type": "library", "name": "a", "version": "1", "bom-ref": "1"}],
    }
    given.write_text(json.dumps(bom))
    parser = SBOMParser()
    parser.parse_file(str(given))
    generator = SBOMGenerator(sbom_type="cyclonedx", format="json")
    generator.generate("image", parser.get_sbom(), filename=str(written))
    return json.loads(written.read_text())["metadata"].get("distributionConstraints")


red = again("1.7", distributionConstraints={"tlp": "RED"})
silent = again("1.5")
print("of RED:", red, "of a file without one:", silent)
assert red == silent == {"tlp": "CLEAR"}
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with lib4sbom 0.10.4"
