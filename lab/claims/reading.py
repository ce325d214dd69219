"""Text of a claims file -> ClaimsFile. Every mistake is named with file, line and column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.claims import needs, settings
from lab.claims.types import Claim, ClaimsFile
from lab.scenario_relations import Finding
from lab.scenario_words import in_words, placed, shown
from lab.scenario_yaml import Mistake, refusal, text_of
from lab.scenario_yaml import read as read_yaml

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
        try:
            claims = ClaimsFile.model_validate(data)
        except ValidationError as error:
            told = {(one.line, one.column) for one in mistakes}
            found = [
                placed(document, in_words(detail, ClaimsFile))
                for detail in error.errors(include_url=False)
            ]
            mistakes += [one for one in found if (one.line, one.column) not in told]
        else:
            mistakes += [placed(document, finding) for finding in _unknown(claims)]
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


def _unknown(claims: ClaimsFile) -> Iterator[Finding]:
    """What the file asks for and the lab has not: experiments, settings of them, needs."""
    for number, claim in enumerate(claims.claims):
        if claim.experiment in settings.KNOWN:
            yield from _settings(claim, number)
        else:
            yield Finding(
                location=("claims", number, "experiment"),
                found=f"the experiment {claim.experiment!r}",
                expected=f"one of {', '.join(settings.KNOWN)}",
                known=tuple(settings.KNOWN),
                typed=claim.experiment,
            )
        for place, expect in enumerate(claim.expect):
            for index, need in enumerate(expect.needs):
                if (expected := needs.mistake(need)) is not None:
                    where = ("claims", number, "expect", place, "needs", index)
                    yield Finding(location=where, found=f"the need {need!r}", expected=expected)


def _settings(claim: Claim, number: int) -> Iterator[Finding]:
    known = tuple(settings.KNOWN[claim.experiment])
    for part, given in {"settings": claim.settings, "quick": claim.quick}.items():
        for name, expected in settings.mistakes(claim.experiment, given).items():
            yield Finding(
                location=("claims", number, part, name),
                found=f"{shown(given[name])} for {name}",
                expected=expected,
                known=() if name in known else known,
                typed=name,
                at_key=name not in known,
            )
