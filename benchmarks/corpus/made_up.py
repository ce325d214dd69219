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


def context(text: str) -> Context:
    """The context of a Dockerfile. Raises DockerfileError."""
    steps = make(parse(text), Context()).steps
    wanted = {path for step in steps for path in (*step.sources, *step.mounts)}
    files = dict(_files(path for path in wanted if "$" not in path))
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


def _is_file(name: str) -> bool:
    return "." in name.lstrip(".") or name in _PLAIN or name.startswith(("Dockerfile", "."))


def _above(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
