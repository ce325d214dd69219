"""A judgement for people and machines: Markdown, JUnit XML, annotations of GitHub and GitLab.

Formats: JUnit as Jenkins, GitHub's reporters and GitLab read it (testsuite, testcase, failure,
skipped); GitHub's workflow commands; GitLab's Code Quality report (CodeClimate's JSON).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as Xml

from lab.model.text_wrap import wrapped
from lab.report import ci_formats, gate_text
from lab.report.ci_formats import one_line
from lab.report.formatting import clean
from lab.report.markdown_text import escape
from lab.results.gate.judgement import Finding, Judgement, Outcome
from lab.results.gate.proof import Proof

SIGNS = {Outcome.PASS: "\u2705", Outcome.FAIL: "\u274c", Outcome.CANNOT_TELL: "\u2754"}
_LEVELS = {Outcome.FAIL: "error", Outcome.CANNOT_TELL: "warning", Outcome.PASS: "notice"}
_SEVERITIES = {Outcome.FAIL: "major", Outcome.CANNOT_TELL: "minor"}


def to_json(judgement: Judgement) -> dict[str, Any]:
    """The judgement for programs."""
    return {
        "schema": "lab.gate/1",
        "policy": judgement.policy.name,
        "outcome": str(judgement.outcome),
        "findings_outcome": str(judgement.findings_outcome),
        "told": str(judgement.findings_outcome),  # its name before 0.2
        "baseline": judgement.baseline,
        "candidate": judgement.candidate,
        "findings": [_finding_json(finding) for finding in judgement.findings],
        "notes": list(judgement.notes),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "metric": finding.rule.metric,
        "kind": finding.rule.kind,
        "subject": finding.subject,
        "outcome": str(finding.outcome),
        "baseline": finding.baseline,
        "candidate": finding.candidate,
        "change": finding.change,
        "interval": finding.interval,
        "bound": finding.bound,
        "count": finding.count,
        "method": finding.method,
        "certainty": finding.rule.certainty,
        "reason": finding.reason,
    }


def text(judgement: Judgement) -> str:
    """For a terminal: one finding a paragraph, in the order of the policy."""
    lines = [gate_text.headline(judgement)]
    lines.append(f"  baseline {judgement.baseline}, candidate {judgement.candidate}")
    for one in judgement.findings:
        lines += ["", f"{one.outcome.upper()}  {one.subject}"]
        if one.change is not None:
            figures = (gate_text.figure(one.rule, value) for value in (one.baseline, one.candidate))
            lines.append(f"  {' -> '.join(figures)}: {gate_text.measured(one)}")
        lines.append(f"  allowed: {gate_text.allowed(one.rule)}, certainty {one.rule.certainty:g}")
        if one.reason:
            lines.append(f"  {one.reason}")
    if judgement.notes:
        lines += ["", "notes", *(f"  {note}" for note in judgement.notes)]
    shown = [part for line in lines for part in wrapped(clean(line)) or [""]]
    return "\n".join(shown) + "\n"


def proof_text(proof: Proof, run: str) -> str:
    """What --prove shows."""
    lines = [f"the gate {proof.slowed.policy.name}, held to builds of known truth (run {run})", ""]
    lines.append(f"an injected slow-down: {'detected' if proof.detected else 'NOT DETECTED'}")
    for one in proof.slowed.findings:
        size = proof.sizes.get(one.subject)
        known = f"injected {size * 100:+.1f} %, " if size is not None else ""
        found = gate_text.measured(one) or one.reason or ""
        lines.append(f"  {one.subject}, {one.rule.metric}: {known}found {found}: {one.outcome}")
    control = "FALSE ALARM (A/A control failed)" if proof.control_failed else "no false alarm"
    shuffled = "TOO MANY" if proof.too_many_alarms else "no more than the certainty allows"
    lines += [
        "",
        f"the candidate against itself, in turn on this host: {control}",
        f"labels shuffled: {proof.false_alarms} false alarms of {proof.shuffles}, "
        f"at most {proof.tolerated} tolerated: {shuffled}",
        "",
        "the smallest slow-down that is detected nine times of ten:",
    ]
    for result in proof.detection:
        smallest = "none" if result.smallest is None else f"{result.smallest * 100:.1f} %"
        lines.append(f"  {result.subject}, {result.metric}: {smallest} in {result.rounds} rounds")
    return clean("\n".join(lines)) + "\n"


def markdown(judgement: Judgement) -> str:
    """For the comment of a pull request."""
    lines = [f"### {SIGNS[judgement.outcome]} {escape(gate_text.headline(judgement))}", ""]
    lines.append(f"baseline {escape(judgement.baseline)}, candidate {escape(judgement.candidate)}")
    lines += ["", "| | subject | baseline | candidate | change | allowed |"]
    lines.append("|" + " --- |" * 6)
    for one in judgement.findings:
        cells = [
            f"{SIGNS[one.outcome]} {one.outcome}",
            one.subject,
            gate_text.figure(one.rule, one.baseline),
            gate_text.figure(one.rule, one.candidate),
            "; ".join(part for part in (gate_text.measured(one), one.reason) if part),
            gate_text.allowed(one.rule),
        ]
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    lines += [""] + [f"- {escape(note)}" for note in judgement.notes]
    return "\n".join(lines).rstrip() + "\n"


def junit(judgement: Judgement) -> str:
    """JUnit XML: each finding a test case, cannot tell is skipped unless the policy counts it."""
    findings = judgement.findings
    failed = [one for one in findings if _counted(judgement, one) is Outcome.FAIL]
    skipped = [one for one in findings if _counted(judgement, one) is Outcome.CANNOT_TELL]
    suite = Xml.Element(
        "testsuite",
        name=one_line(f"lab gate {judgement.policy.name}"),
        tests=str(len(findings)),
        failures=str(len(failed)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for one in findings:
        name = one_line(f"{gate_text.allowed(one.rule)}: {one.subject}")
        case = Xml.SubElement(suite, "testcase", classname=f"gate.{one.rule.metric}", name=name)
        text = one_line(gate_text.sentence(one))
        if one in failed:
            Xml.SubElement(case, "failure", message=text, type=str(one.outcome)).text = text
        elif one in skipped:
            Xml.SubElement(case, "skipped", message=text)
        else:
            Xml.SubElement(case, "system-out").text = text
    Xml.indent(suite)
    return Xml.tostring(suite, encoding="unicode", xml_declaration=False) + "\n"


def _counted(judgement: Judgement, finding: Finding) -> Outcome:
    counted = {"pass": Outcome.PASS, "fail": Outcome.FAIL, "report": Outcome.CANNOT_TELL}
    undecided = finding.outcome is Outcome.CANNOT_TELL
    return counted[judgement.policy.cannot_tell] if undecided else finding.outcome


def github(judgement: Judgement) -> str:
    """Workflow commands: GitHub Actions shows them beside the change."""
    level = _LEVELS[judgement.outcome]
    lines = [ci_formats.command(level, one_line(gate_text.headline(judgement)), title="lab gate")]
    lines += [
        ci_formats.command(
            _LEVELS[one.outcome],
            one_line(gate_text.sentence(one)),
            title=f"lab gate, {one.rule.metric}",
        )
        for one in judgement.findings
        if one.outcome is not Outcome.PASS
    ]
    return "".join(lines)


def gitlab(judgement: Judgement, policy_path: str = "policy") -> str:
    """A Code Quality report: GitLab shows it in the merge request."""
    issues = [
        ci_formats.issue(
            f"lab-gate-{one.rule.metric}",
            gate_text.sentence(one),
            severity=_SEVERITIES[one.outcome],
            place=policy_path,
            line=one.rule.line,
            identity=(judgement.policy.name, one.rule.metric, one.subject),
        )
        for one in judgement.findings
        if one.outcome is not Outcome.PASS
    ]
    return json.dumps(issues, indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Judgement], str]] = {
    "markdown": markdown,
    "junit": junit,
    "github": github,
    "gitlab": gitlab,
    "json": lambda judgement: json.dumps(to_json(judgement), indent=2) + "\n",
}
