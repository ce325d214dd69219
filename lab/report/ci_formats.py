"""Findings at lines of files, as CI systems show them beside the change. Pure.

Formats: GitHub's workflow commands (docs.github.com, "Workflow commands for GitHub Actions"; what
is escaped, and how, is that of actions/toolkit, packages/core/src/command.ts); GitLab's Code
Quality report (CodeClimate's JSON, docs.gitlab.com, "Code Quality report format"); SARIF 2.1.0 of
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lab import __version__
from lab.model.finding import Finding
from lab.report.formatting import clean

_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
_GITLAB = {"error": "major", "warning": "minor", "note": "info"}


def github(tool: str, found: Iterable[Finding]) -> str:
    """Workflow commands, a finding each; empty where there is none."""
    return "".join(
        command(
            _GITHUB[one.level],
            "\n".join(filter(None, (_words(one), one.patch))),
            title=f"{tool}: {one.rule}",
            file=one.place,
            line=one.line,
            endLine=one.end_line,
        )
        for one in found
    )


def command(kind: str, message: str, **properties: str | int | None) -> str:
    """A workflow command: what would end it, or a property of it, is escaped."""
    given = ",".join(
        f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{kind} {given}::{_message(message)}\n"


def _message(text: str) -> str:
    return clean(text).strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def gitlab(tool: str, found: Iterable[Finding]) -> str:
    """A Code Quality report: GitLab shows it in the merge request."""
    issues = [
        issue(
            f"{tool}-{one.rule}".replace(" ", "-"),
            "; ".join(_words(one).splitlines()),
            severity=_GITLAB[one.level],
            place=one.place,
            line=one.line or 1,
            # Neither figures nor the line: an issue stays the same where those around it change.
            identity=(tool, one.rule, one.place, one.patch or one.message),
        )
        for one in found
    ]
    return json.dumps(issues, indent=2) + "\n"


def issue(
    name: str, text: str, *, severity: str, place: str, line: int, identity: Sequence[str]
) -> dict[str, Any]:
    """One entry of a Code Quality report; ``identity`` is what tells it from every other."""
    return {
        "description": one_line(text),
        "check_name": name,
        "fingerprint": hashlib.sha256(
            "\0".join(identity).encode(errors="backslashreplace")
        ).hexdigest(),
        "severity": severity,
        "location": {"path": one_line(place), "lines": {"begin": line}},
    }


def sarif(tool: str, found: Iterable[Finding]) -> str:
    """A SARIF log of one run."""
    results = [_result(one) for one in found]
    document = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "version": __version__,
                        "rules": [
                            {"id": rule} for rule in dict.fromkeys(one["ruleId"] for one in results)
                        ],
                    }
                },
                "results": results,
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _result(one: Finding) -> Mapping[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(one.place)}}
    if one.line is not None:
        place["region"] = {"startLine": one.line}
        if one.end_line is not None:
            place["region"]["endLine"] = one.end_line
    return {
        "ruleId": one.rule,
        "level": one.level,
        "message": {"text": "\n".join(filter(None, (_words(one), clean(one.patch))))},
        "locations": [{"physicalLocation": place}],
    }


def _words(one: Finding) -> str:
    return clean(one.message) + (f"\nnext: {clean(one.remedy)}" if one.remedy else "")


def _uri(path: str) -> str:
    return quote(path.lstrip("/") or ".", errors="backslashreplace")


def one_line(text: str) -> str:
    """Clean text on one line."""
    return " ".join(clean(text).split())


FORMATS = {"github": github, "gitlab": gitlab, "sarif": sarif}
