"""A YAML file checked by its schema: what it says, or every mistake in it with its place.

Scenarios, claims, the gate's policies and those of images are read by this one way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from lab.model.errors import InputError
from lab.scenario.error_messages import checked
from lab.scenario.field_types import Part
from lab.scenario.finding import Finding, placed, shown
from lab.scenario.yaml_source import Document, Location, Mistake
from lab.scenario.yaml_source import read as read_yaml

MAX_BYTES = 1_000_000
Schema = TypeVar("Schema", bound=Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile(Generic[Schema]):
    """A file without mistakes so far: ``parsed`` by its schema, ``data`` as it was written."""

    name: Path | str
    parsed: Schema
    data: Mapping[str, Any]
    document: Document
    remedy: str

    def line(self, location: Location, *, key: bool = False) -> int:
        """The line, from 1, of a value or of its key."""
        return self.document.place(location, key=key)[0]

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raise InputError with every finding, if there is one."""
        mistakes = [placed(self.document, finding) for finding in findings]
        if mistakes:
            raise refusal(self.name, mistakes, self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[Schema]):
    """A kind of file: its schema, and the ``findings`` that need more than one of its fields.

    ``findings`` pass over whatever has no shape yet, which the schema's own checks name.
    """

    what: str
    schema: type[Schema]
    findings: Callable[[Mapping[str, Any]], Iterable[Finding]]
    help: str
    example: str

    @property
    def remedy(self) -> str:
        """What to do about a mistake."""
        return f"correct these lines; {self.help}"

    def load(self, path: Path) -> YamlFile[Schema]:
        """Read a file. Raises InputError where it cannot be read, and with every mistake."""
        return self.read(self.text(path), path)

    def text(self, path: Path) -> str:
        """A file's text. Raises InputError."""
        return text_of(path, self.what, self.example)

    def read(self, text: str, name: Path | str) -> YamlFile[Schema]:
        """Check a text. Raises InputError with every mistake; ``name`` is the file's."""
        document = read_yaml(text)
        data, parsed = document.data, None
        mistakes = list(document.mistakes)
        if isinstance(data, dict):
            mistakes += [placed(document, finding) for finding in self.findings(data)]
            parsed, wrong = checked(data, self.schema)
            mistakes += _new(document, [placed(document, finding) for finding in wrong])
        elif not mistakes:
            found = "an empty file" if data is None else f"{shown(data)} as the whole file"
            expected = f"a {self.what}'s fields"
            mistakes.append(Mistake(line=1, column=1, found=found, expected=expected))
        if parsed is None or not isinstance(data, dict) or mistakes:
            raise refusal(name, mistakes, self.remedy)
        return YamlFile(name=name, parsed=parsed, data=data, document=document, remedy=self.remedy)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of such a file, made from the types that check it."""
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return dialect | self.schema.model_json_schema()


def _new(document: Document, mistakes: Iterable[Mistake]) -> Iterable[Mistake]:
    """Those that say something new.

    What YAML could not give a value, and a key that is there with a typo, have no use for a
    second complaint.
    """
    mistakes = list(mistakes)
    known = {(one.line, one.column) for one in document.mistakes}
    meant = {f"the key {one.nearest}" for one in mistakes if one.nearest}
    return [
        one for one in mistakes if (one.line, one.column) not in known and one.expected not in meant
    ]


def text_of(path: Path, what: str, remedy: str) -> str:
    """The text of a file that a user wrote; ``what`` it is and the ``remedy`` are for the error.

    Raises InputError where it cannot be read, is no text, or is far too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text in UTF-8: byte {error.start} is {error.object[error.start]:#04x}",
            remedy="save the file as UTF-8",
        ) from error
    except OSError as error:
        why = f"cannot read the {what} {path}: {error.strerror}"
        raise InputError(why, remedy=remedy) from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"no file can be named {str(path)!r}", remedy=remedy) from error
    if len(data) > MAX_BYTES:
        why = f"{path} is larger than {MAX_BYTES} bytes: that is no {what}"
        raise InputError(why, remedy=remedy)
    return text


def refusal(name: Path | str, mistakes: Iterable[Mistake], remedy: str) -> InputError:
    """The error that names every mistake of a file once, in the order of their places."""
    ordered = sorted(set(mistakes), key=lambda one: (one.line, one.column, str(one)))
    return InputError("\n".join(f"{name}:{one}" for one in ordered), remedy=remedy)
