"""Text of a claims file -> ClaimsFile. Every mistake is named with file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.golang.claims import needs, settings
from lab.golang.claims.file_schema import ClaimsFile
from lab.scenario.cross_checks import Finding, items, mapping
from lab.scenario.error_messages import in_words, placed, shown
from lab.scenario.yaml_source import Mistake, refusal, text_of
from lab.scenario.yaml_source import read as read_yaml

REMEDY = (
    "mend these lines; docs/verify.md has every field, `lab schema claims` makes editors show them"
)


def load(path: Path) -> tuple[ClaimsFile, str]:
    """A claims file and its text. Raises InputError."""
    text = text_of(path, "claims file", "lab verify scenarios/claims/goroot-report.yaml")
    return parse(text, path), text


def parse(text: str, path: Path) -> ClaimsFile:
    """The claims of a text. Raises InputError with every mistake."""
    document = read_yaml(text)
    mistakes = list(document.mistakes)
    data, claims = document.data, None
    if isinstance(data, dict):
        mistakes += [placed(document, finding) for finding in _findings(data)]
        try:
            claims = ClaimsFile.model_validate(data)
        except ValidationError as error:
            told = {(one.line, one.column) for one in mistakes}
            found = [
                placed(document, in_words(detail, ClaimsFile))
                for detail in error.errors(include_url=False)
            ]
            mistakes += [one for one in found if (one.line, one.column) not in told]
    elif not mistakes:
        text = "an empty file" if data is None else f"{shown(data)} as the whole file"
        mistakes.append(Mistake(line=1, column=1, found=text, expected="a claims file's fields"))
    if claims is None or mistakes:
        raise refusal(path, mistakes, REMEDY)
    return claims


def schema() -> dict[str, Any]:
    """The JSON Schema of a claims file, made from the types that check it and the settings."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ClaimsFile.model_json_schema(),
    }


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
