"""A validation for machines: JUnit XML and SARIF 2.1.0.

Formats: JUnit as Jenkins, GitHub's and GitLab's readers take it; SARIF of
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from lab import __version__
from lab.images.finding import Finding
from lab.validate.matrix import Validation

# What XML 1.0 cannot hold, whatever the names of an image's files are.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def junit(found: Sequence[Validation]) -> str:
    """Each pair of kernel and engine a test case, and each broken demand of a policy one more."""
    suites = Xml.Element("testsuites", name="lab validate")
    for one in found:
        suite = Xml.SubElement(suites, "testsuite", name=_text(one.image))
        counts = {"failures": 0, "skipped": 0}
        for verdict in one.verdicts:
            name = f"runs on {verdict.column.words}"
            case = Xml.SubElement(suite, "testcase", classname=_text(one.image), name=_text(name))
            text = _text("; ".join(verdict.why) or verdict.word)
            if verdict.word == "does not run":
                counts["failures"] += 1
                Xml.SubElement(case, "failure", message=text, type="does-not-run").text = text
            elif verdict.word == "skipped":
                counts["skipped"] += 1
                Xml.SubElement(case, "skipped", message=text)
            else:
                Xml.SubElement(case, "system-out").text = _text(f"{verdict.word}: {text}")
        for finding in one.broken:
            name = f"{finding.rule} {finding.place}"
            case = Xml.SubElement(suite, "testcase", classname=_text(one.image), name=_text(name))
            counts["failures"] += 1
            text = _text(finding.message)
            Xml.SubElement(case, "failure", message=text, type=_text(finding.rule)).text = text
        suite.set("tests", str(len(suite)))
        suite.set("errors", "0")
        for name, count in counts.items():
            suite.set(name, str(count))
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode") + "\n"


def sarif(found: Sequence[Validation]) -> str:
    """Every finding and every broken demand as a result."""
    results: list[dict[str, Any]] = []
    rules: dict[str, dict[str, str]] = {}
    for one in found:
        for finding in (*one.broken, *one.findings):
            rules.setdefault(finding.rule, {"id": finding.rule})
            results.append(_result(one.image, finding))
        for verdict in one.verdicts:
            if verdict.word == "does not run":
                rules.setdefault("does-not-run", {"id": "does-not-run"})
                message = f"{one.image} does not run on {verdict.column.words}: {verdict.why[0]}"
                results.append(
                    _result(
                        one.image,
                        Finding(rule="does-not-run", level="error", place="/", message=message),
                    )
                )
    document = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "lab validate",
                        "version": __version__,
                        "rules": list(rules.values()),
                    }
                },
                "results": results,
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def to_json(found: Sequence[Validation]) -> str:
    """Everything, for programs."""
    return json.dumps([one.to_json() for one in found], indent=2) + "\n"


def _result(image: str, finding: Finding) -> dict[str, Any]:
    # A path of an image has no place in the checkout: it is named below the image's name.
    on_disk = finding.line is not None
    uri = finding.place if on_disk else f"{image}{finding.place}"
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(uri)}}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line}
    text = finding.message + (f"\nnext: {finding.remedy}" if finding.remedy else "")
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.level],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.lstrip("/") or ".", errors="backslashreplace")


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
