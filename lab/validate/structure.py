"""Assertions in container-structure-test's YAML, asked of the image.

What it means: https://github.com/GoogleContainerTools/container-structure-test#readme. What the lab
cannot ask is reported, never passed over as if it held. Files, licences and metadata are read out
of the layers; commands need an engine.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.images.opened import Opened
from lab.images.sources.contents import Node
from lab.model.finding import Finding
from lab.validate.assertions import Assertions, matches

_GO_BITS = ((0o4000, "u"), (0o2000, "g"), (0o1000, "t"))
# What container-structure-test itself looks for in licences, and the package that it passes over.
_UNWANTED, _PASSED = ("AGPL", "WTFPL"), "libgnutls30"
_DEBIAN = "usr/share/doc/"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What came of a command: its exit code (None: it never ended well enough to have one)."""

    code: int | None
    output: str


# The command, its environment -> what came of it; None where no engine was named.
Runs = Callable[[Sequence[str], Mapping[str, str]], Command] | None


def broken(tests: Assertions, image: Opened, runs: Runs) -> tuple[Finding, ...]:
    """Every assertion that does not hold, or that could not be asked."""
    return tuple(_Asker(tests, image, runs).ask())


class _Asker:
    def __init__(self, tests: Assertions, image: Opened, runs: Runs) -> None:
        self._tests, self._image, self._runs = tests, image, runs

    def ask(self) -> Iterator[Finding]:
        data = self._tests.data
        if data.get("containerRunOptions") and data.get("commandTests"):
            why = "the lab's containers have no options: without them commands may answer otherwise"
            yield self._said(("containerRunOptions",), why)
        for number, entry in enumerate(data.get("fileExistenceTests") or ()):
            yield from self._each(("fileExistenceTests", number), entry, self._file(entry))
        for number, entry in enumerate(data.get("fileContentTests") or ()):
            yield from self._each(("fileContentTests", number), entry, self._content(entry))
        for number, entry in enumerate(data.get("commandTests") or ()):
            yield from self._each(("commandTests", number), entry, self._command(entry))
        for number, entry in enumerate(data.get("licenseTests") or ()):
            for why in self._licenses(entry):
                yield self._said(("licenseTests", number), why)
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
        path = self._with_variables(str(entry["path"]))
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
        modes = _listings(node)
        if entry.get("permissions") and entry["permissions"] not in modes:
            yield f"{path} is {modes[0]}, {entry['permissions']} is asserted"
        who = str(entry.get("isExecutableBy") or "")
        bits = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}
        if who and not node.mode & bits.get(who, 0):
            yield f"{path} is not executable by {who}"

    def _content(self, entry: Mapping[str, Any]) -> Iterator[str]:
        path = self._with_variables(str(entry["path"]))
        data = self._image.contents.read(path)
        if data is None:
            yield f"{path} cannot be read: it is missing or no plain file"
            return
        text = data.decode(errors="replace")
        yield from _matched(path, text, entry.get("expectedContents"), wanted=True)
        yield from _matched(path, text, entry.get("excludedContents"), wanted=False)

    def _licenses(self, entry: Mapping[str, Any]) -> Iterator[str]:
        """Each copyright file there, and none of an unwanted licence."""
        held = self._image.contents
        names = _list(entry.get("files"))
        if _true(entry.get("debian"), default=False):
            folders = {
                name.removeprefix(_DEBIAN).partition("/")[0]
                for name, node in held.nodes.items()
                if name.startswith(_DEBIAN) and ("/" in name.removeprefix(_DEBIAN) or node.folder)
            }
            if not folders:
                yield f"there is no /{_DEBIAN} in the image"
            names += [f"/{_DEBIAN}{one}/copyright" for one in sorted(folders - {_PASSED})]
        for name in names:
            text = held.read(name)
            if text is None:
                yield f"{name} cannot be read: it is missing or no plain file"
                continue
            upper = text.decode(errors="replace").upper()
            for word in _UNWANTED:
                if word in upper:
                    yield f"{name} contains {word}"

    def _with_variables(self, text: str) -> str:
        """Text with the image's own variables in it, as $NAME or ${NAME}."""
        known = dict(str(one).partition("=")[::2] for one in self._image.settings.get("Env") or ())
        return _VARIABLE.sub(lambda found: known.get(found[1] or found[2], ""), text)

    def _command(self, entry: Mapping[str, Any]) -> Iterator[str]:
        if self._runs is None:
            yield "commands are run in containers: name an engine with --engine"
            return
        command = [str(entry["command"]), *_list(entry.get("args"))]
        command = [self._with_variables(one) for one in command]
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
        if matches(pattern, text) != wanted:
            yield f"{what} {'does not match' if wanted else 'matches'} {pattern!r}"


def _listings(node: Node) -> tuple[str, str]:
    """The mode as ls writes it, and as Go does: ``-rwsr-xr-x`` and ``urwxr-xr-x``."""
    kind = stat.S_IFLNK if node.symlink else stat.S_IFDIR if node.folder else stat.S_IFREG
    letters = "L" if node.symlink else "d" if node.folder else ""
    letters += "".join(letter for bit, letter in _GO_BITS if node.mode & bit)
    plain = stat.filemode(stat.S_IFREG | (node.mode & 0o777))[1:]
    return stat.filemode(kind | node.mode), (letters or "-") + plain


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, dict)]


def _true(value: Any, *, default: bool) -> bool:
    return default if value is None else str(value).lower() in {"true", "yes", "on", "1"}
