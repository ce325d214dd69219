"""A validation for machines: JUnit XML, and what CI systems show beside lines.

JUnit as Jenkins, GitHub's and GitLab's readers take it; the others are in report/ci_formats.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree import ElementTree as Xml

from lab.model.finding import Finding
from lab.report import ci_formats
from lab.validate.matrix import Validation

# What XML 1.0 cannot hold, whatever the names of an image's files are.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOOL = "lab validate"


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


def _findings(found: Sequence[Validation]) -> Iterator[Finding]:
    """Every finding and every broken demand, at a place that a CI system can show."""
    for one in found:
        yield from (_placed(one.image, finding) for finding in (*one.broken, *one.findings))
        for verdict in one.verdicts:
            if verdict.word == "does not run":
                message = f"{one.image} does not run on {verdict.column.words}: {verdict.why[0]}"
                yield Finding(
                    rule="does-not-run", level="error", place=f"{one.image}/", message=message
                )


def _placed(image: str, finding: Finding) -> Finding:
    """A path of an image has no place in the checkout: it is named below the image's name."""
    return finding if finding.line else replace(finding, place=f"{image}{finding.place}")


def sarif(found: Sequence[Validation]) -> str:
    """Every finding as a result."""
    return ci_formats.sarif(_TOOL, _findings(found))


def github(found: Sequence[Validation]) -> str:
    """Every finding as a workflow command."""
    return ci_formats.github(_TOOL, _findings(found))


def gitlab(found: Sequence[Validation]) -> str:
    """Every finding as an issue of a Code Quality report."""
    return ci_formats.gitlab(_TOOL, _findings(found))


def to_json(found: Sequence[Validation]) -> str:
    """Everything, for programs."""
    return json.dumps([one.to_json() for one in found], indent=2) + "\n"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
