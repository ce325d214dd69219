"""container-structure-test's YAML, schema 2.0.0, read at the door: every mistake with its place.

Format: https://github.com/GoogleContainerTools/container-structure-test (its README and
pkg/types/v2). A key that it does not have is a mistake: a test that is misspelt would hold always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.scenario.finding import Finding, placed, shown
from lab.scenario.yaml_file import refusal, text_of
from lab.scenario.yaml_source import Document, Location
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
    data = document.data if isinstance(document.data, dict) else {}
    mistakes = list(document.mistakes) or [placed(document, one) for one in _findings(data)]
    if mistakes:
        raise refusal(path, mistakes, _REMEDY)
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


def _findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    version = data.get("schemaVersion")
    if version is None:
        yield Finding(location=(), found="no schemaVersion", expected="schemaVersion: '2.0.0'")
    elif not str(version).startswith("2."):
        found = f"{shown(version)} for schemaVersion"
        yield Finding(location=("schemaVersion",), found=found, expected="'2.0.0'")
    yield from _unknown((), data, _KEYS)
    for name, (keys, needed) in _TESTS.items():
        yield from _entries((name,), data.get(name), keys, needed)
    for name, keys in (("metadataTest", _METADATA), ("containerRunOptions", _OPTIONS)):
        entry = data.get(name)
        if isinstance(entry, dict):
            yield from _unknown((name,), entry, keys)
        elif entry is not None:
            found = f"{shown(entry)} for {name}"
            yield Finding(location=(name,), found=found, expected="a mapping")
    metadata = data.get("metadataTest")
    if isinstance(metadata, dict):
        for name in ("env", "envVars", "labels"):
            yield from _entries(("metadataTest", name), metadata.get(name), _PAIR, {"key"})


def _entries(place: Location, entries: Any, keys: set[str], needed: set[str]) -> Iterator[Finding]:
    if entries is None:
        return
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        yield Finding(location=place, found=str(place[-1]), expected="a list of mappings")
        return
    for number, entry in enumerate(entries):
        here = (*place, number)
        yield from _unknown(here, entry, keys)
        for name in sorted(needed):
            if not entry.get(name):
                expected = f"{name} in every entry of {place[-1]}"
                yield Finding(location=here, found=f"no {name}", expected=expected)
        yield from _values(here, entry)


def _values(place: Location, entry: Mapping[str, Any]) -> Iterator[Finding]:
    for key in _PATTERNS:
        here, given = (*place, key), entry.get(key) or []
        if isinstance(given, list):
            yield from _patterns(here, given)
        else:
            found = f"{shown(given)} for {key}"
            yield Finding(location=here, found=found, expected="a list of patterns")
    who = entry.get("isExecutableBy")
    if who is not None and who not in _EXECUTABLE_BY:
        yield Finding(
            location=(*place, "isExecutableBy"),
            found=f"{shown(who)} for isExecutableBy",
            expected=f"one of {', '.join(_EXECUTABLE_BY)}",
        )
    yield from _entries((*place, "envVars"), entry.get("envVars"), _PAIR, {"key"})


def _patterns(place: Location, patterns: Sequence[Any]) -> Iterator[Finding]:
    import re2

    for pattern in patterns:
        try:
            _compiled(str(pattern))
        except re2.error as error:
            text = error.args[0]
            why = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
            found = f"{pattern!r} is no regular expression: {why}"
            yield Finding(location=place, found=found, expected="Go's syntax")


def _unknown(place: Location, entry: Mapping[str, Any], keys: set[str]) -> Iterator[Finding]:
    for key in entry:
        if key not in keys:
            yield Finding(
                location=(*place, key),
                found=f"the unknown key {key!r}",
                expected=f"one of {', '.join(sorted(keys))}",
                known=tuple(sorted(keys)),
                typed=key,
                at_key=True,
            )
