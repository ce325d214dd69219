"""Text of a claims file -> ClaimsFile. Every mistake is named with file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.golang.claims import needs, settings
from lab.golang.claims.file_schema import ClaimsFile
from lab.scenario.finding import Finding, items, mapping, shown
from lab.scenario.yaml_file import Format


def load(path: Path) -> tuple[ClaimsFile, str]:
    """A claims file and its text. Raises InputError."""
    text = FORMAT.text(path)
    return parse(text, path), text


def parse(text: str, path: Path) -> ClaimsFile:
    """The claims of a text. Raises InputError with every mistake."""
    return FORMAT.read(text, path).parsed


def _findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Ids given twice, and what the lab has not: experiments, settings of them, needs.

    Whatever has no shape yet is passed over: the fields' own checks say so.
    """
    seen: set[str] = set()
    for number, claim in enumerate(items(data, "claims")):
        if not isinstance(claim, dict):
            continue
        name, experiment = claim.get("id"), claim.get("experiment")
        if isinstance(name, str):
            if name in seen:
                yield Finding(
                    location=("claims", number, "id"),
                    found=f"the id {name!r} again",
                    expected="another one for each claim",
                )
            seen.add(name)
        if isinstance(experiment, str):
            yield from _experiment(claim, experiment, number)
        for place, expect in enumerate(items(claim, "expect")):
            stated = items(expect, "needs") if isinstance(expect, dict) else ()
            for index, need in enumerate(stated):
                if isinstance(need, str) and (expected := needs.mistake(need)) is not None:
                    where = ("claims", number, "expect", place, "needs", index)
                    yield Finding(location=where, found=f"the need {need!r}", expected=expected)


def _experiment(claim: Mapping[str, Any], experiment: str, number: int) -> Iterator[Finding]:
    if experiment not in settings.KNOWN:
        yield Finding(
            location=("claims", number, "experiment"),
            found=f"the experiment {experiment!r}",
            expected=f"one of {', '.join(settings.KNOWN)}",
            known=tuple(settings.KNOWN),
            typed=experiment,
        )
        return
    known = tuple(settings.KNOWN[experiment])
    for part in ("settings", "quick"):
        stated = mapping(claim, part)
        readable = {name: one for name, one in stated.items() if name not in known or _plain(one)}
        for name, expected in settings.mistakes(experiment, readable).items():
            yield Finding(
                location=("claims", number, part, name),
                found=f"{shown(stated[name])} for {name}",
                expected=expected,
                known=() if name in known else known,
                typed=name,
                at_key=name not in known,
            )


def _plain(value: object) -> bool:
    """Whether a setting's value has the shape of one."""
    words = value if isinstance(value, list) else [value]
    return all(isinstance(word, str) for word in words)


FORMAT = Format(
    what="claims file",
    schema=ClaimsFile,
    findings=_findings,
    help="docs/verify.md has every field, `lab schema claims` makes editors show them",
    example="lab verify scenarios/claims/goroot-report.yaml",
)
