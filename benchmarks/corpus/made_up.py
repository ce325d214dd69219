"""A context made up of what a Dockerfile copies: small files, one of each name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from lab.dockerfile.cachekey import make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.dockerfile.parser import parse

IGNORED = "zz-ignored/kept-back.txt"
IGNORE = "zz-ignored\n*.zz\n"
_PLAIN = frozenset(
    {"Makefile", "Gemfile", "Pipfile", "Rakefile", "Procfile", "LICENSE", "gradlew", "mvnw",
     "Cargo", "VERSION", "README", "NOTICE", "configure", "entrypoint", "Brewfile", "Caddyfile"}
)  # fmt: skip
_USUAL = ("README.md", "src/main.c", "src/util/one.c", "docs/index.md", "config.json")
# What a project has whose Dockerfile says so.
_TOOLS: dict[str, tuple[str, ...]] = {
    r"\b(?:npm|yarn|pnpm)\b": ("package.json", "package-lock.json", "src/index.js"),
    r"\bpip3?\b": ("requirements.txt", "app/main.py"),
    r"\bgo (?:mod|build|install|get)\b": ("go.mod", "go.sum", "main.go", "pkg/one.go"),
    r"\bcargo\b": ("Cargo.toml", "Cargo.lock", "src/main.rs"),
    r"\bbundle\b": ("Gemfile", "Gemfile.lock", "app/one.rb"),
    r"\b(?:mvn|mvnw)\b": ("pom.xml", "src/main/java/One.java"),
    r"\bcomposer\b": ("composer.json", "composer.lock", "src/one.php"),
    r"\bdotnet\b": ("one.csproj", "Program.cs"),
    r"\b(?:gradle|gradlew)\b": ("build.gradle", "settings.gradle", "src/main/java/One.java"),
}
_TEXTS = {
    "package.json": '{"name": "one", "version": "1.0.0"}\n',
    "package-lock.json": '{"name": "one", "lockfileVersion": 3}\n',
    "composer.json": '{"name": "one/two"}\n',
    "go.mod": "module one\n\ngo 1.22\n",
    "requirements.txt": "flask==3.0.0\n",
    "main.go": "package main\n\nfunc main() {}\n",
}


def context(text: str) -> Context:
    """The context of a Dockerfile. Raises DockerfileError."""
    steps = make(parse(text), Context()).steps
    wanted = {path for step in steps for path in (*step.sources, *step.mounts)}
    files = dict(_files(path for path in wanted if "$" not in path))
    if "." in wanted:
        files |= {name: f"{name} one" for name in _project(text)}
    files |= {path: _TEXTS[name] for path in files if (name := posixpath.basename(path)) in _TEXTS}
    files[".dockerignore"] = IGNORE
    files[IGNORED] = "one"
    folders = {parent for path in files for parent in _above(path)}
    kept = {path: data for path, data in files.items() if path not in folders}
    return Context({path: File(data.encode(), 0o644) for path, data in sorted(kept.items())})


def sampled(pattern: str) -> str:
    """A name that a pattern matches."""
    name = re.sub(r"\[\^?(.)[^]]*\]", r"\1", pattern)
    return name.replace("**", "x").replace("*", "x").replace("?", "x").replace("\\", "")


def _files(wanted: Iterable[str]) -> Iterable[tuple[str, str]]:
    for pattern in sorted(wanted):
        path = posixpath.normpath(sampled(pattern)).lstrip("/")
        if path.startswith(".."):
            continue
        if path == ".":
            yield from ((name, f"{name} one") for name in _USUAL)
        elif _is_file(posixpath.basename(path)) or path != pattern:
            yield path, f"{path} one"
        else:
            yield from ((f"{path}/{name}", f"{path} {name}") for name in ("one.txt", "in/two.txt"))


def _project(text: str) -> Iterable[str]:
    for tool, names in _TOOLS.items():
        if re.search(tool, text):
            yield from names


def _is_file(name: str) -> bool:
    return "." in name.lstrip(".") or name in _PLAIN or name.startswith(("Dockerfile", "."))


def _above(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
