"""container-structure-test's YAML, schema 2.0.0, read at the door: every mistake with its place.

Format: https://github.com/GoogleContainerTools/container-structure-test (its README and
pkg/types/v2). A key that it does not have is a mistake: a test that is misspelt would hold always.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.model.errors import InputError
from lab.scenario.error_messages import shown
from lab.scenario.yaml_source import Document, text_of
from lab.scenario.yaml_source import read as read_yaml

_REMEDY = "give a container-structure-test file of schemaVersion 2.0.0"
_PAIR = {"key", "value", "isRegex"}
# Of every list of tests the keys of one, and those that it must have.
_TESTS: Mapping[str, tuple[set[str], set[str]]] = {
    "commandTests": (
        {"name", "setup", "teardown", "envVars", "exitCode", "command", "args"}
        | {"expectedOutput", "excludedOutput", "expectedError", "excludedError"},
        {"name", "command"},
    ),
    "fileExistenceTests": (
        {"name", "path", "shouldExist", "permissions", "uid", "gid", "isExecutableBy"},
        {"name", "path"},
    ),
    "fileContentTests": (
        {"name", "path", "expectedContents", "excludedContents"},
        {"name", "path"},
    ),
    "licenseTests": ({"debian", "files"}, set()),
    "globalEnvVars": (_PAIR, {"key"}),
}
_METADATA = {"env", "envVars", "labels", "entrypoint", "cmd", "exposedPorts", "unexposedPorts"} | {
    "volumes",
    "unmountedVolumes",
    "workdir",
    "user",
}
_OPTIONS = {"user", "privileged", "allocateTty", "envFile", "envVars", "capabilities", "bindMounts"}
_KEYS = {"schemaVersion", "metadataTest", "containerRunOptions", *_TESTS}
_PATTERNS = tuple(
    f"{kind}{of}" for kind in ("expected", "excluded") for of in ("Output", "Error", "Contents")
)
_EXECUTABLE_BY = ("owner", "group", "other", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertions:
    """A file of assertions with its places."""

    path: str
    data: Mapping[str, Any]
    document: Document

    @property
    def commands(self) -> bool:
        """Whether an engine is needed."""
        return bool(self.data.get("commandTests"))


def load(path: Path) -> Assertions:
    """Read a file of assertions. Raises InputError with every mistake where it is none."""
    document = read_yaml(text_of(path, "file of assertions", _REMEDY))
    mistakes = [str(one) for one in document.mistakes]
    data = document.data if isinstance(document.data, dict) else {}
    if not mistakes:
        mistakes = list(_Reader(document, data).mistakes())
    if mistakes:
        raise InputError("\n".join(f"{path}:{one}" for one in mistakes), remedy=_REMEDY)
    return Assertions(path=str(path), data=data, document=document)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern in Go's form is anywhere in a text; its time grows with the text alone."""
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    import re2

    quiet = re2.Options()
    quiet.log_errors = False
    return re2.compile(pattern, quiet)


class _Reader:
    def __init__(self, document: Document, data: Mapping[str, Any]) -> None:
        self._document, self._data = document, data

    def mistakes(self) -> Iterator[str]:
        version = self._data.get("schemaVersion")
        if version is None:
            yield "1:1: no schemaVersion; expected schemaVersion: '2.0.0'"
        elif not str(version).startswith("2."):
            yield self._at(("schemaVersion",), f"{shown(version)} for schemaVersion", "'2.0.0'")
        yield from self._unknown((), self._data, _KEYS)
        for name, (keys, needed) in _TESTS.items():
            yield from self._list((name,), self._data.get(name), keys, needed)
        for name, keys in (("metadataTest", _METADATA), ("containerRunOptions", _OPTIONS)):
            entry = self._data.get(name)
            if isinstance(entry, dict):
                yield from self._unknown((name,), entry, keys)
            elif entry is not None:
                yield self._at((name,), f"{shown(entry)} for {name}", "a mapping")
        metadata = self._data.get("metadataTest")
        if not isinstance(metadata, dict):
            return
        for name in ("env", "envVars", "labels"):
            yield from self._list(("metadataTest", name), metadata.get(name), _PAIR, {"key"})

    def _list(
        self, place: tuple[str | int, ...], entries: Any, keys: set[str], needed: set[str]
    ) -> Iterator[str]:
        if entries is None:
            return
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            yield self._at(place, str(place[-1]), "a list of mappings")
            return
        for number, entry in enumerate(entries):
            here = (*place, number)
            yield from self._unknown(here, entry, keys)
            for name in sorted(needed):
                if not entry.get(name):
                    yield self._at(here, f"no {name}", f"{name} in every entry of {place[-1]}")
            yield from self._values(here, entry)

    def _values(self, place: tuple[str | int, ...], entry: Mapping[str, Any]) -> Iterator[str]:
        import re2

        for key in _PATTERNS:
            given = entry.get(key) or []
            if not isinstance(given, list):
                yield self._at((*place, key), f"{shown(given)} for {key}", "a list of patterns")
                continue
            for pattern in given:
                try:
                    _compiled(str(pattern))
                except re2.error as error:
                    text = error.args[0]
                    why = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
                    yield self._at(
                        (*place, key), f"{pattern!r} is no regular expression: {why}", "Go's syntax"
                    )
        who = entry.get("isExecutableBy")
        if who is not None and who not in _EXECUTABLE_BY:
            expected = f"one of {', '.join(_EXECUTABLE_BY)}"
            yield self._at((*place, "isExecutableBy"), f"{shown(who)} for isExecutableBy", expected)
        yield from self._list((*place, "envVars"), entry.get("envVars"), _PAIR, {"key"})

    def _unknown(
        self, place: tuple[str | int, ...], entry: Mapping[str, Any], keys: set[str]
    ) -> Iterator[str]:
        for key in entry:
            if key not in keys:
                close = difflib.get_close_matches(str(key), sorted(keys), n=1)
                near = f"; did you mean {close[0]!r}?" if close else ""
                line, column = self._document.place((*place, key), key=True)
                yield f"{line}:{column}: the unknown key {key!r}{near}"

    def _at(self, place: tuple[str | int, ...], found: str, expected: str) -> str:
        line, column = self._document.place(place)
        return f"{line}:{column}: {found}; expected {expected}"
