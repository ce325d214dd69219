"""Which files of a context `go build` reads: a package, all that it imports of its module, and what
they embed. More may be named than is read, never less. Pure.

Source: https://go.dev/ref/mod, https://pkg.go.dev/cmd/go and https://pkg.go.dev/embed
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.shell_commands import Command

_VALUED = frozenset(
    ["asmflags", "buildmode", "compiler", "gccgoflags", "gcflags", "installsuffix", "ldflags",
     "mod", "p", "tags", "coverpkg", "covermode", "o"]
)  # fmt: skip
_PLAIN = frozenset(
    ["a", "n", "race", "msan", "asan", "cover", "v", "work", "x", "trimpath", "buildvcs",
     "linkshared", "modcacherw"]
)  # fmt: skip
_IMPORTS = re.compile(
    r"(?:^|;)[ \t]*import\b\s*(?:\((.*?)^[ \t]*\)|([^\n]*))", re.DOTALL | re.MULTILINE
)
_QUOTED = re.compile(r'"([^"\n]+)"|`([^`\n]+)`')
_EMBED = re.compile(r"^[ \t]*//go:embed\s+(.*)$", re.MULTILINE)
_PATTERN = re.compile(r'"[^"]*"|`[^`]*`|\S+')


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBuild:
    """A `go build`: where its program goes and which packages it builds."""

    output: str | None
    packages: tuple[str, ...]


def go_build(one: Command) -> GoBuild | None:
    """A command as a `go build` whose every flag is known; else None."""
    if not one.starts("go", "build") or set(one.environment) & {"GOFLAGS", "GOWORK", "GO111MODULE"}:
        return None
    words = list(one.words[2:])
    output: str | None = None
    packages: list[str] = []
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            packages.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if name not in _VALUED | _PLAIN:
            return None
        if name in _VALUED and not equals:
            if not words:
                return None
            value = words.pop(0)
        output = value if name == "o" else output
    return GoBuild(output=output, packages=tuple(packages) or (".",))


@dataclass(slots=True)
class Reads:
    """What builds of a module read: folders with all below them, and files beside them."""

    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def reads(view: DockerfileView, builds: Iterable[GoBuild]) -> Reads | None:
    """What these builds, started in the module's root, read; None where that cannot be known."""
    module = _module(view)
    if module is None:
        return None
    found = Reads()
    root = _Module(view, module)
    todo: list[str] = []
    for build in builds:
        for package in build.packages:
            named = root.named(package)
            if named is None:
                return None
            todo += named
    while todo:
        folder = todo.pop()
        if folder in root.seen:
            continue
        root.seen.add(folder)
        more = root.imported(folder, found)
        if more is None:
            return None
        todo += more
    found.files |= {name for name in ("go.mod", "go.sum") if name in view.context.entries}
    if "vendor" in view.context.entries:
        found.folders.add("vendor")
    return found


def _module(view: DockerfileView) -> str | None:
    """The module's path, where its go.mod lies in the root and sends nobody elsewhere."""
    text = view.text("go.mod")
    if text is None or "go.work" in view.context.entries:
        return None
    named = re.search(r"^\s*module\s+\"?([^\s\"]+)", text, re.MULTILINE)
    return None if named is None or re.search(r"=>\s*\.{0,2}/", text) else named[1]


class _Module:
    def __init__(self, view: DockerfileView, path: str) -> None:
        self._view = view
        self._path = path
        self.seen: set[str] = set()
        self._in: dict[str, list[str]] = {}
        for name, entry in view.context.entries.items():
            if entry.kind != "directory":
                self._in.setdefault(posixpath.dirname(name), []).append(name)

    def named(self, package: str) -> list[str] | None:
        """The folders that a package's pattern means."""
        if package == self._path or package.startswith(f"{self._path}/"):
            package = f"./{package[len(self._path) + 1 :]}"
        if not package.startswith(".") or ".." in package.split("/") or package.endswith(".go"):
            return None
        start, dots, rest = package.partition("...")
        if rest or (dots and start != "./" and not start.endswith("/")):
            return None
        folder = posixpath.normpath(start).removeprefix(".").lstrip("/")
        if not dots:
            return [folder]
        return [one for one in self._in if self._below(one, folder) and self._has_go(one)]

    def _below(self, one: str, folder: str) -> bool:
        if folder and one != folder and not one.startswith(f"{folder}/"):
            return False
        parts = one.split("/") if one else []
        if any(part in {"testdata", "vendor"} or part[0] in "._" for part in parts):
            return False
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        return not any(f"{path}/go.mod" in self._view.context.entries for path in above)

    def _has_go(self, folder: str) -> bool:
        return any(name.endswith(".go") for name in self._in.get(folder, ()))

    def imported(self, folder: str, found: Reads) -> list[str] | None:
        """The module's own packages that a folder's files import; what it reads goes to found."""
        files = self._in.get(folder, [])
        if not self._has_go(folder) or self._linked(files):
            return None
        if folder:
            found.folders.add(folder)
        else:
            found.files |= {name for name in files if _compiled(name)}
        sources = [(name, self._view.text(name) or "") for name in files]
        if any(self._reaches_out(name, text, folder) for name, text in sources):
            return None
        texts = [text for name, text in sources if name.endswith(".go")]
        for embedded in (path for text in texts for path in self._embedded(folder, text)):
            entry = self._view.context.entries.get(embedded)
            if entry is None or entry.kind == "link":
                return None
            (found.files if entry.kind == "file" else found.folders).add(embedded)
        return [package for text in texts for package in self._own(text)]

    def _linked(self, files: Iterable[str]) -> bool:
        return any(self._view.context.entries[name].kind == "link" for name in files)

    def _reaches_out(self, name: str, text: str, folder: str) -> bool:
        """Whether a file may include what lies in a folder that is none of its package."""
        if not name.endswith(".go"):
            return _compiled(name) and "../" in text
        return 'import "C"' in text and ("../" in text or not folder)

    def _own(self, text: str) -> Iterator[str]:
        for block, single in _IMPORTS.findall(text):
            for one, other in _QUOTED.findall(block or single):
                path = one or other
                if path == self._path or path.startswith(f"{self._path}/"):
                    yield path[len(self._path) + 1 :]

    def _embedded(self, folder: str, text: str) -> Iterator[str]:
        """Top names, below the package's folder, of what a file embeds."""
        if folder:
            return  # it lies below the package's folder, which is copied whole
        for word in (word for line in _EMBED.findall(text) for word in _PATTERN.findall(line)):
            first = word.strip('"`').removeprefix("all:").split("/")[0]
            if any(char in first for char in "*?["):
                yield from {name.split("/")[0] for name in self._view.context.entries}
            else:
                yield first


def _compiled(name: str) -> bool:
    return name.endswith(
        (".go", ".s", ".S", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".m", ".f", ".F",
         ".for", ".f90", ".swig", ".swigcxx", ".syso", ".pgo")
    )  # fmt: skip
