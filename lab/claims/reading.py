"""Text of a claims file -> ClaimsFile. Every mistake is named with file, line and column."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lab.claims.types import ClaimsFile
from lab.scenario_yaml import Mistake, refusal, text_of
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
            return ClaimsFile.model_validate(document.data)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                line, column = document.place(one["loc"], key=one["type"] == "extra_forbidden")
                name = ".".join(map(str, one["loc"])) or "the file"
                said = one["msg"].removeprefix("Value error, ").removeprefix("Input should ")
                mistakes.append(Mistake(line=line, column=column, found=name, expected=said))
    raise refusal(path, mistakes, REMEDY)
