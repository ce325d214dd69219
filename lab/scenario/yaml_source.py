"""YAML text -> plain data that knows the line and column of everything in it.

Every plain scalar stays the text that was written: the field that it stands in decides what it is.
So ``1.20`` stays a version, ``on`` a word, and nothing is guessed from how a value looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml

Location = tuple[str | int, ...]
Data = dict[str, "Data"] | list["Data"] | str | None

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 20_000
_TAG = "tag:yaml.org,2002:"
# What YAML 1.1 makes of scalars without a tag, and the tags that change nothing.
_PLAIN = ["str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq"]
_KNOWN_TAGS = frozenset(_TAG + name for name in _PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong at a place that counts lines and columns from 1."""

    line: int
    column: int
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        text = f"{self.line}:{self.column}: {self.found}; expected {self.expected}"
        if self.nearest is not None:
            text += f"; did you mean {self.nearest}?"
        # One line each, whatever the file holds: a key can be any text.
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


@dataclass(slots=True, kw_only=True)
class Document:
    """The data of a file, its mistakes as YAML, and where each value stands."""

    data: Data = None
    root: yaml.Node | None = None
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, location: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """Line and column of a value, or of its key; of what encloses it where it is missing."""
        node = self.root
        mark = node.start_mark if node is not None else None
        for number, part in enumerate(location):
            last = number == len(location) - 1
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == part), None)
                if pair is None:
                    break
                node = pair[1]
                mark = (pair[0] if key and last else node).start_mark
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    break
                node = node.value[part]
                mark = node.start_mark
            else:
                break
        return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def read(text: str) -> Document:
    """Read YAML. Never raises: what cannot be read is a mistake in the result."""
    document = Document()
    if len(text) > MAX_CHARACTERS:
        document.mistakes.append(
            Mistake(
                line=1,
                column=1,
                found=f"a file of {len(text)} characters",
                expected=f"at most {MAX_CHARACTERS}",
            )
        )
        return document
    try:
        document.root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        document.mistakes.append(_syntax(error))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = error.position - (before.rfind("\n") + 1) + 1
        document.mistakes.append(
            Mistake(
                line=before.count("\n") + 1,
                column=column,
                found=f"the character {error.character!r}",
                expected="printable text",
            )
        )
    # PyYAML lets these through for absurd escapes, version numbers and nesting.
    except (ValueError, OverflowError, RecursionError, IndexError) as error:
        document.mistakes.append(
            Mistake(
                line=1,
                column=1,
                found=f"text that no YAML reader takes ({type(error).__name__})",
                expected="YAML",
            )
        )
    else:
        if document.root is not None:
            document.data = _Builder(document.mistakes).build(document.root)
    return document


def _syntax(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    found = (error.problem or error.context or "text").split("\n")[0]
    while_doing = f" ({error.context})" if error.context and error.problem else ""
    return Mistake(
        line=mark.line + 1 if mark else 1,
        column=mark.column + 1 if mark else 1,
        found=f"{found}{while_doing}",
        expected="YAML: check indentation, quotes and tabs",
    )


class _Builder:
    """Makes data of nodes; counts values so that aliases cannot multiply into millions."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self._mistakes = mistakes
        self._open: list[yaml.Node] = []
        self._count = 0

    def build(self, node: yaml.Node) -> Data:
        self._count += 1
        if self._count > MAX_VALUES:
            if self._count == MAX_VALUES + 1:
                self._wrong(node, "too many values", f"at most {MAX_VALUES}")
            return None
        if any(node is other for other in self._open):
            self._wrong(node, "an alias of what it stands in", "values without a circle")
            return None
        if node.tag not in _KNOWN_TAGS:
            tag = node.tag.replace(_TAG, "!!")
            self._wrong(node, f"the tag {tag!r}", "a value without a tag")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item) for item in node.value]
            # Nothing at all, ``~`` and ``null`` mean that nothing is given.
            return None if node.tag == _TAG + "null" else str(node.value)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.MappingNode) -> Data:
        found: dict[str, Data] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(key, "a key that is a list or a mapping", "a word")
                continue
            name = str(key.value)
            if name in found:
                self._wrong(
                    key, f"the key {name!r} again (first on line {lines[name]})", "each key once"
                )
                continue
            lines[name] = key.start_mark.line + 1
            found[name] = self.build(value)
        return found

    def _wrong(self, node: yaml.Node, found: str, expected: str) -> None:
        mark = node.start_mark
        self._mistakes.append(
            Mistake(line=mark.line + 1, column=mark.column + 1, found=found, expected=expected)
        )
