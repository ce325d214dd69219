#!/bin/sh
# cyclonedx-python-lib 11.12.0: what Bom.from_json does not know is gone when it is written.
#
# Guess: reading a valid CycloneDX 1.6 file and writing it as 1.6 keeps its parts, or warns.
# Seen: compositions (how complete the list is), annotations and formulation (how it was built)
# are dropped without a word. A tool that adds one component to the SBOM of a build takes these away.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cyclonedx-python-lib==11.12.0
cat >"$folder/seen.py" <<'PYTHON'
import json

from cyclonedx.model.bom import Bom
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

given = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [{"type": "container", "name": "a", "bom-ref": "1"}],
    "compositions": [{"aggregate": "complete", "assemblies": ["1"]}],
    "annotations": [
        {
            "subjects": ["1"],
            "annotator": {"organization": {"name": "x"}},
            "timestamp": "2024-01-01T00:00:00Z",
            "text": "t",
        }
    ],
    "formulation": [{"bom-ref": "f", "components": [{"type": "library", "name": "tool"}]}],
}
outputter = make_outputter(Bom.from_json(given), OutputFormat.JSON, SchemaVersion.V1_6)
written = json.loads(outputter.output_as_string())
lost = sorted(set(given) - set(written))
print("lost:", lost)
assert written["components"] == given["components"]
assert lost == ["annotations", "compositions", "formulation"]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with cyclonedx-python-lib 11.12.0"
