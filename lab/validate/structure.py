"""Assertions in container-structure-test's YAML, asked of the image.

Format: https://github.com/GoogleContainerTools/container-structure-test#readme, schema 2.0.0. What
the lab does not know of it is told, never passed over as if it held. Files and metadata are read
out of the layers; commands need an engine.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bases.contents import Node
from lab.errors import InputError
from lab.images.finding import Finding
from lab.images.opened import Opened
from lab.scenario_yaml import Document, text_of
from lab.scenario_yaml import read as read_yaml

_TESTS = ("commandTests", "fileExistenceTests", "fileContentTests")
_KEYS = {"schemaVersion", "metadataTest", "globalEnvVars", "containerRunOptions", *_TESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What came of a command: its exit code (None: it never ended well enough to have one)."""

    code: int | None
    output: str


# The command, its environment -> what came of it; None where no engine was named.
Runs = Callable[[Sequence[str], Mapping[str, str]], Command] | None


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
    """Read a file of assertions. Raises InputError where it is none."""
    remedy = "give a container-structure-test file of schemaVersion 2.0.0"
    document = read_yaml(text_of(path, "file of assertions", remedy))
    mistakes = [str(one) for one in document.mistakes]
    data = document.data if isinstance(document.data, dict) else {}
    if not mistakes and not str(data.get("schemaVersion", "")).startswith(("2.", "1.")):
        mistakes.append("1:1: no schemaVersion; expected schemaVersion: '2.0.0'")
    for name in _TESTS:
        entries = data.get(name) or []
        listed = isinstance(entries, list) and all(isinstance(one, dict) for one in entries)
        if not listed:
            line, column = document.place((name,))
            mistakes.append(f"{line}:{column}: {name}; expected a list of tests")
            continue
        mistakes += _patterns(document, name, entries)
    if mistakes:
        raise InputError("\n".join(f"{path}:{one}" for one in mistakes), remedy=remedy)
    return Assertions(path=str(path), data=data, document=document)


def _patterns(document: Document, name: str, entries: Any) -> Iterator[str]:
    """Regular expressions that are none, with their places."""
    for number, entry in enumerate(entries):
        for key in ("expectedOutput", "excludedOutput", "expectedError", "excludedError"):
            for pattern in _list(entry.get(key)):
                try:
                    re.compile(pattern)
                except re.error as error:
                    line, column = document.place((name, number, key))
                    yield f"{line}:{column}: {pattern!r} is no regular expression: {error}"


def broken(tests: Assertions, image: Opened, runs: Runs) -> tuple[Finding, ...]:
    """Every assertion that does not hold, or that could not be asked."""
    return tuple(_Asker(tests, image, runs).ask())


class _Asker:
    def __init__(self, tests: Assertions, image: Opened, runs: Runs) -> None:
        self._tests, self._image, self._runs = tests, image, runs

    def ask(self) -> Iterator[Finding]:
        data = self._tests.data
        for key in data:
            if key not in _KEYS:
                yield self._said((key,), f"{key} is nothing that the lab can ask of an image")
        for number, entry in enumerate(data.get("fileExistenceTests") or ()):
            yield from self._each(("fileExistenceTests", number), entry, self._file(entry))
        for number, entry in enumerate(data.get("fileContentTests") or ()):
            yield from self._each(("fileContentTests", number), entry, self._content(entry))
        for number, entry in enumerate(data.get("commandTests") or ()):
            yield from self._each(("commandTests", number), entry, self._command(entry))
        metadata = data.get("metadataTest")
        if isinstance(metadata, dict):
            for why in self._metadata(metadata):
                yield self._said(("metadataTest",), why)

    def _each(
        self, place: tuple[str | int, ...], entry: Mapping[str, Any], whys: Iterator[str]
    ) -> Iterator[Finding]:
        for why in whys:
            yield self._said(place, f"{entry.get('name') or 'a test without a name'}: {why}")

    def _said(self, place: tuple[str | int, ...], message: str) -> Finding:
        line, _ = self._tests.document.place(place)
        rule = f"structure-{str(place[0]).removesuffix('s')}"
        return Finding(rule=rule, level="error", place=self._tests.path, line=line, message=message)

    def _file(self, entry: Mapping[str, Any]) -> Iterator[str]:
        path = str(entry.get("path") or "")
        held = self._image.contents
        name = path.strip("/")
        node = held.nodes.get(name) or held.find(path)
        # A folder that only its files make known is there all the same.
        there = node is not None or any(one.startswith(f"{name}/") for one in held.nodes)
        wanted = _true(entry.get("shouldExist"), default=True)
        if there != wanted:
            yield f"{path} is {'there' if there else 'missing'}"
        if node is None or not wanted:
            return
        for key, found in (("uid", node.owner[0]), ("gid", node.owner[1])):
            if entry.get(key) is not None and str(found) != str(entry[key]):
                yield f"{path} has {key} {found}, {entry[key]} is asserted"
        mode = _listing(node)
        if entry.get("permissions") and mode != entry["permissions"]:
            yield f"{path} is {mode}, {entry['permissions']} is asserted"
        who = str(entry.get("isExecutableBy") or "")
        bits = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}
        if who and not node.mode & bits.get(who, 0):
            yield f"{path} is not executable by {who}"

    def _content(self, entry: Mapping[str, Any]) -> Iterator[str]:
        path = str(entry.get("path") or "")
        data = self._image.contents.read(path)
        if data is None:
            yield f"{path} cannot be read: it is missing or no plain file"
            return
        text = data.decode(errors="replace")
        yield from _matched(path, text, entry.get("expectedContents"), wanted=True)
        yield from _matched(path, text, entry.get("excludedContents"), wanted=False)

    def _command(self, entry: Mapping[str, Any]) -> Iterator[str]:
        if self._runs is None:
            yield "commands are run in containers: name an engine with --engines"
            return
        command = [str(entry.get("command") or ""), *_list(entry.get("args"))]
        setup = entry.get("setup")
        before = [" ".join(_list(one)) for one in setup] if isinstance(setup, list) else []
        if before:
            command = ["sh", "-c", " && ".join([*before, 'exec "$@"']), "sh", *command]
        given = [*_mappings(self._tests.data.get("globalEnvVars"))]
        given += _mappings(entry.get("envVars"))
        environment = {str(one.get("key")): str(one.get("value") or "") for one in given}
        done = self._runs(command, environment)
        code = str(entry.get("exitCode") or "0")
        if str(done.code) != code:
            yield f"exit code {done.code}, {code} is asserted: {done.output.strip()[-200:]}"
        for key in ("expectedOutput", "expectedError"):
            yield from _matched("the output", done.output, entry.get(key), wanted=True)
        for key in ("excludedOutput", "excludedError"):
            yield from _matched("the output", done.output, entry.get(key), wanted=False)

    def _metadata(self, entry: Mapping[str, Any]) -> Iterator[str]:
        settings = self._image.settings
        variables = dict(str(one).partition("=")[::2] for one in settings.get("Env") or ())
        labels = settings.get("Labels") or {}
        pairs = (("env", variables), ("envVars", variables), ("labels", labels))
        for key, found in pairs:
            for one in _mappings(entry.get(key)):
                yield from _pair(key, one, found)
        for key, field, wanted in (
            ("exposedPorts", "ExposedPorts", True),
            ("unexposedPorts", "ExposedPorts", False),
            ("volumes", "Volumes", True),
            ("unmountedVolumes", "Volumes", False),
        ):
            there = {str(one).removesuffix("/tcp") for one in settings.get(field) or ()}
            for name in _list(entry.get(key)):
                if (name.removesuffix("/tcp") in there) != wanted:
                    yield f"{field} {'lacks' if wanted else 'has'} {name}"
        for key, field in (("entrypoint", "Entrypoint"), ("cmd", "Cmd")):
            if key in entry and _list(entry[key]) != _list(settings.get(field)):
                yield f"{key} is {_list(settings.get(field))}, {_list(entry[key])} is asserted"
        for key, field in (("workdir", "WorkingDir"), ("user", "User")):
            if key in entry and str(entry[key]) != str(settings.get(field) or ""):
                yield f"{key} is {settings.get(field) or 'not set'}, {entry[key]} is asserted"


def _pair(kind: str, entry: Mapping[str, Any], found: Mapping[str, str]) -> Iterator[str]:
    key, value = str(entry.get("key")), str(entry.get("value") or "")
    there = found.get(key)
    if there is None:
        yield f"{kind}: {key} is not set"
    elif _true(entry.get("isRegex"), default=False):
        yield from _matched(f"{kind} {key}", there, [value], wanted=True)
    elif there != value:
        yield f"{kind}: {key} is {there!r}, {value!r} is asserted"


def _matched(what: str, text: str, patterns: Any, *, wanted: bool) -> Iterator[str]:
    for pattern in _list(patterns):
        try:
            there = re.search(pattern, text, re.MULTILINE) is not None
        except re.error as error:
            yield f"{pattern!r} is no regular expression: {error}"
            continue
        if there != wanted:
            yield f"{what} {'does not match' if wanted else 'matches'} {pattern!r}"


def _listing(node: Node) -> str:
    kind = stat.S_IFLNK if node.symlink else stat.S_IFDIR if node.folder else stat.S_IFREG
    return stat.filemode(kind | node.mode)


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, dict)]


def _true(value: Any, *, default: bool) -> bool:
    return default if value is None else str(value).lower() in {"true", "yes", "on", "1"}
