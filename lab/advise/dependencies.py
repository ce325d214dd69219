"""Commands that fetch dependencies: which files they read, and when they surely read no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.advise.commands import Command
from lab.advise.sight import Sight
from lab.dockerfile import Instruction

Text = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What a fetching RUN reads. ``writes``: what it may write that a later copy would restore."""

    files: tuple[str, ...]
    writes: str = ""


def fetch(run: Instruction, sight: Sight) -> Fetch | None:
    """What a RUN that only fetches dependencies reads; None for any other RUN.

    None as well where its files name folders of the context: then it reads more than they.
    """
    found = sight.commands(run)
    if not found or any(mount["type"] == "bind" for mount in run.mounts):
        return None
    files: list[str] = []
    writes = ""
    for one in found:
        if one.program in {"true", "echo", "set", "sleep"}:
            continue
        kind = next((kind for kind in _KINDS if kind.fits(one)), None)
        if kind is None:
            return None
        named = kind.files(one)
        there = [name for name in named if name in sight.context.entries]
        if not there or any(sight.text(name) is None for name in there):
            return None  # a link: what it leads to would have to be copied too
        if _elsewhere(one, named) or kind.reads_more(sight.text, one):
            return None
        if any(name.split("/")[0] in kind.made for name in sight.context.entries):
            return None  # the copy of the whole would go over what was fetched
        files += there
        writes = writes or kind.writes(one)
    return Fetch(files=tuple(dict.fromkeys(files)), writes=writes) if files else None


def _elsewhere(one: Command, named: tuple[str, ...]) -> bool:
    """Whether a command's options or variables name a place of their own."""
    values = [word.partition("=")[2] for word in one.words if "=" in word]
    values = [value for value in values if value.removeprefix("./") not in named]
    found = [*values, *one.environment.values()]
    return any("/" in value or "." in value for value in found if "://" not in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    fits: Callable[[Command], bool]
    files: Callable[[Command], tuple[str, ...]]
    reads_more: Callable[[Text, Command], bool]
    made: frozenset[str] = frozenset()
    writes: Callable[[Command], str] = lambda _one: ""


def _go(text: Text, one: Command) -> bool:
    more = re.search(r"=>\s*\.{0,2}/", text("go.mod") or "")
    return more is not None or text("go.work") is not None or _operands(one, 3) != []


def _npm(text: Text, one: Command) -> bool:
    try:
        about = json.loads(text("package.json") or "")
    except ValueError:
        return True
    if not isinstance(about, Mapping) or "workspaces" in about or _operands(one, 2):
        return True
    scripts = about.get("scripts") or {}
    if any(re.match(r"(?:pre|post)?install$|prepare$|prepublish$", name) for name in scripts):
        return True
    whole = json.dumps(about)
    return any(word in whole for word in ('"file:', '"link:', '"workspace:', '"./', '"../'))


def _bundle(text: Text, one: Command) -> bool:
    words = r"\bpath\b|\bgemspec\b|eval_gemfile|instance_eval|File\.|require_relative"
    return re.search(words, text("Gemfile") or "") is not None or _operands(one, 2) != []


def _cargo(text: Text, one: Command) -> bool:
    # cargo wants to see each target's file, but for those whose path is stated
    about = text("Cargo.toml") or ""
    targets = re.search(r"^\[(?:lib|\[bin\])\]\s*(?:\w+\s*=.*\s*)*?path\s*=", about, re.MULTILINE)
    more = re.search(r"path\s*=\s*\"\.\.?/|\[workspace|^build\s*=", about, re.MULTILINE)
    return targets is None or more is not None or _operands(one, 2) != []


def _composer(text: Text, one: Command) -> bool:
    try:
        about = json.loads(text("composer.json") or "")
    except ValueError:
        return True
    whole = json.dumps(about)
    named = ('"scripts"', '"classmap"', '"files"', '"type": "path"')
    return (
        not isinstance(about, Mapping)
        or any(word in whole for word in named)
        or bool(_operands(one, 2))
    )


def _maven(text: Text, one: Command) -> bool:
    if any("/" in word or word in {"-f", "--file"} for word in one.words):
        return True
    return re.search(r"<modules>|<relativePath>|<systemPath>", text("pom.xml") or "") is not None


def _pip(text: Text, one: Command) -> bool:
    named = set(_required(one))
    for name in named:
        for line in (text(name) or "").splitlines():
            word = line.strip()
            if word.startswith(("-e", "-r", "-c", "--", ".", "/", "file:")) or "@ file:" in word:
                return True
    return any("/" in word or "." in word for word in _operands(one, 2) if word not in named)


def _poetry(text: Text, one: Command) -> bool:
    about = text("pyproject.toml") or ""
    if "--no-root" not in one.words or _operands(one, 2):
        return True
    return re.search(r"path\s*=", about) is not None


def _required(one: Command) -> tuple[str, ...]:
    """The files after -r."""
    found = []
    for place, word in enumerate(one.words):
        if word in {"-r", "--requirement"} and place + 1 < len(one.words):
            found.append(one.words[place + 1])
        elif word.startswith("--requirement="):
            found.append(word.partition("=")[2])
        elif re.match(r"-r.", word):
            found.append(word[2:])
    return tuple(name.removeprefix("./") for name in found)


def _operands(one: Command, skip: int) -> list[str]:
    return [word for word in one.words[skip:] if not word.startswith("-")]


def _locks(lock: str, *frozen: str) -> Callable[[Command], str]:
    return lambda one: "" if any(word in one.words for word in frozen) else lock


def _starts(*starts: str) -> Callable[[Command], bool]:
    return lambda one: any(one.starts(*start.split()) for start in starts)


_KINDS = (
    _Kind(
        fits=_starts("go mod download"),
        files=lambda _: ("go.mod", "go.sum"),
        reads_more=_go,
    ),
    _Kind(
        fits=_starts("npm ci"),
        files=lambda _: ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
        reads_more=_npm,
        made=frozenset({"node_modules"}),
    ),
    _Kind(
        fits=_starts("npm install"),
        files=lambda _: ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
        reads_more=_npm,
        made=frozenset({"node_modules"}),
        writes=_locks("package-lock.json"),
    ),
    _Kind(
        fits=_starts("yarn install", "pnpm install"),
        files=lambda _: ("package.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc.yml"),
        reads_more=_npm,
        made=frozenset({"node_modules", ".yarn", ".pnp.cjs"}),
        writes=_locks("its lock file", "--frozen-lockfile", "--immutable"),
    ),
    _Kind(
        fits=_starts("bundle install"),
        files=lambda _: ("Gemfile", "Gemfile.lock"),
        reads_more=_bundle,
        made=frozenset({"vendor", ".bundle"}),
        writes=_locks("Gemfile.lock", "--frozen", "--deployment"),
    ),
    _Kind(
        fits=_starts("cargo fetch"),
        files=lambda _: ("Cargo.toml", "Cargo.lock"),
        reads_more=_cargo,
        writes=_locks("Cargo.lock", "--locked", "--frozen"),
    ),
    _Kind(
        fits=_starts("composer install"),
        files=lambda _: ("composer.json", "composer.lock"),
        reads_more=_composer,
        made=frozenset({"vendor"}),
    ),
    _Kind(
        fits=lambda one: one.program == "mvn" and any("dependency:" in word for word in one.words),
        files=lambda _: ("pom.xml",),
        reads_more=_maven,
        made=frozenset({"target"}),
    ),
    _Kind(
        fits=lambda one: _starts("pip install", "pip3 install")(one) and bool(_required(one)),
        files=_required,
        reads_more=_pip,
    ),
    _Kind(
        fits=_starts("poetry install"),
        files=lambda _: ("pyproject.toml", "poetry.lock"),
        reads_more=_poetry,
        made=frozenset({".venv"}),
    ),
)
