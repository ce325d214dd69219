"""Text of a claims file -> ClaimsFile. Every mistake is named with file, line and column."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.claims import needs, settings
from lab.claims.types import Claim, ClaimsFile
from lab.scenario_yaml import Document, Mistake, refusal, text_of
from lab.scenario_yaml import read as read_yaml

REMEDY = "mend these lines; docs/verify.md has every field"


def load(path: Path) -> tuple[ClaimsFile, str]:
    """A claims file and its text. Raises InputError."""
    text = text_of(path, "claims file", "lab verify scenarios/claims/goroot-report.yaml")
    return parse(text, path), text


def parse(text: str, path: Path) -> ClaimsFile:
    """The claims of a text. Raises InputError with every mistake."""
    document = read_yaml(text)
    mistakes = list(document.mistakes)
    if not mistakes:
        try:
            claims = ClaimsFile.model_validate(document.data)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                line, column = document.place(one["loc"], key=one["type"] == "extra_forbidden")
                name = ".".join(map(str, one["loc"])) or "the file"
                said = one["msg"].removeprefix("Value error, ").removeprefix("Input should ")
                mistakes.append(Mistake(line=line, column=column, found=name, expected=said))
        else:
            mistakes = list(_unknown(claims, document))
            if not mistakes:
                return claims
    raise refusal(path, mistakes, REMEDY)


def schema() -> dict[str, Any]:
    """The JSON Schema of a claims file, made from the types that check it and the settings."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ClaimsFile.model_json_schema(),
    }


def _unknown(claims: ClaimsFile, document: Document) -> Iterator[Mistake]:
    """What the file asks for and the lab has not: experiments, settings of them, needs."""
    for number, claim in enumerate(claims.claims):
        here: tuple[str | int, ...] = ("claims", number)
        if claim.experiment not in settings.KNOWN:
            line, column = document.place((*here, "experiment"))
            near = difflib.get_close_matches(claim.experiment, settings.KNOWN, 1)
            yield Mistake(
                line=line,
                column=column,
                found=f"the experiment {claim.experiment!r}",
                expected=f"one of {', '.join(settings.KNOWN)}",
                nearest=near[0] if near else None,
            )
        else:
            yield from _settings(claim, here, document)
        for place, expect in enumerate(claim.expect):
            for index, need in enumerate(expect.needs):
                if (expected := needs.mistake(need)) is not None:
                    line, column = document.place((*here, "expect", place, "needs", index))
                    found = f"the need {need!r}"
                    yield Mistake(line=line, column=column, found=found, expected=expected)


def _settings(claim: Claim, here: tuple[str | int, ...], document: Document) -> Iterator[Mistake]:
    for part, given in {"settings": claim.settings, "quick": claim.quick}.items():
        for name, expected in settings.mistakes(claim.experiment, given).items():
            known = settings.KNOWN[claim.experiment]
            line, column = document.place((*here, part, name), key=name not in known)
            near = [] if name in known else difflib.get_close_matches(name, known, 1)
            found = f"{part}.{name} {given[name]!r}"
            yield Mistake(
                line=line,
                column=column,
                found=found,
                expected=expected,
                nearest=near[0] if near else None,
            )
