"""The tools that fetch dependencies: which files each reads, and what shows that it reads more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lab.caching.advise.shell_commands import Command

Text = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``bars``: names at the context's top that the tool reads and that cannot be copied along, or
    that the copy of the whole would put over what was fetched.
    """

    fits: Callable[[Command], bool]
    files: Callable[[Command], tuple[str, ...]]
    reads_more: Callable[[Text, Command], bool]
    bars: frozenset[str] = frozenset()
    writes: Callable[[Command], str] = lambda _one: ""


def _go(text: Text, one: Command) -> bool:
    more = re.search(r"=>\s*\.{0,2}/", text("go.mod") or "")
    return more is not None or text("go.work") is not None or _operands(one, 3) != []


# https://docs.npmjs.com/cli/using-npm/scripts, https://pnpm.io/scripts
_RUN_BY_INSTALL = re.compile(
    r"(?:pre|post)?(?:install|prepare|prepublish|dependencies)$|pnpm:devPreinstall$"
)
_OWN_PACKAGES = re.compile(
    r"\"(?:(?:file|link|portal|patch|exec|workspace|catalog):|\.\.?/|patchedDependencies\")"
)


def _npm(text: Text, one: Command) -> bool:
    try:
        about = json.loads(text("package.json") or "")
    except ValueError:
        return True
    if not isinstance(about, Mapping) or "workspaces" in about or _operands(one, 2):
        return True
    scripts = about.get("scripts") or {}
    if any(_RUN_BY_INSTALL.match(name) for name in scripts):
        return True
    return _OWN_PACKAGES.search(json.dumps(about)) is not None


def _bundle(text: Text, one: Command) -> bool:
    words = (
        r"\bpath\b|\bgemspec\b|eval_gemfile|instance_eval|File\.|Dir[.\[]|IO\.|require_relative|"
        r"\bload\s|\bfile:(?!\s*[\"']\.(?:ruby-version|tool-versions)[\"'])"
    )
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
    named = ('"scripts"', '"classmap"', '"files"', '"type": "path"', '"type": "artifact"',
             '"optimize-autoloader": true', '"classmap-authoritative": true')  # fmt: skip
    if any(re.match(r"-\w*[oa]|--optimize-a|--classmap-a", word) for word in one.words):
        return True  # the autoloader lists the project's own classes
    return (
        not isinstance(about, Mapping)
        or any(word in whole for word in named)
        or bool(_operands(one, 2))
    )


def _maven(text: Text, one: Command) -> bool:
    goals = _operands(one, 1)
    if any("/" in word or word in {"-f", "--file"} for word in one.words):
        return True
    if any(not re.match(r"dependency:(?!analyze)", goal) for goal in goals):
        return True  # a goal that wants the sources
    return re.search(r"<modules>|<relativePath>|<systemPath>", text("pom.xml") or "") is not None


_PYTHON = re.compile(r"(?:/\S+/bin/)?python[\d.]*$")
# What stands in for Python's own modules where commands run in the folder that holds it.
_PYTHON_BARS = frozenset(
    ["pip", "pip.py", "venv", "venv.py", "sitecustomize.py", "usercustomize.py"]
)
# Options of a requirements file that name nothing of the context.
_ELSEWHERE = re.compile(
    r"(?:-i|--index-url|--extra-index-url)[ =]https?://|"
    r"--(?:hash|trusted-host|only-binary|no-binary|prefer-binary|pre|require-hashes)\b"
)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tgz|tar\.\w+)(?:\s|;|$)")


def _pip(text: Text, one: Command) -> bool:
    named = set(_required(one))
    for name in named:
        for line in (text(name) or "").splitlines():
            word = re.sub(r"(?:^|\s)#.*", "", line).strip()
            path = "://" not in word and ("/" in word or _ARCHIVE.search(word) is not None)
            if word.startswith("file:") or "@ file:" in word:
                return True
            if not _ELSEWHERE.match(word) and (path or word.startswith(("-", "."))):
                return True
    return any("/" in word or "." in word for word in _operands(one, 2) if word not in named)


def plain(one: Command) -> Command:
    """A command as it is called for short: ``pip`` for ``python3 -m pip`` and ``/venv/bin/pip``."""
    if _PYTHON.match(one.program) and one.words[1:2] == ("-m",) and len(one.words) > 2:
        return replace(one, words=one.words[2:])
    if re.fullmatch(r"/\S+/bin/pip[\d.]*", one.program):
        return replace(one, words=("pip", *one.words[1:]))
    return one


def _venv(_text: Text, one: Command) -> bool:
    places = _operands(one, 1)
    return not places or not all(place.startswith("/") for place in places)


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


_NODE_BARS = frozenset({"node_modules", "binding.gyp"})  # npm builds what the latter describes
KINDS = (
    Kind(
        fits=_starts("go mod download"),
        files=lambda _: ("go.mod", "go.sum"),
        reads_more=_go,
    ),
    Kind(
        fits=_starts("npm ci"),
        files=lambda _: ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
        reads_more=_npm,
        bars=_NODE_BARS,
    ),
    Kind(
        fits=_starts("npm install"),
        files=lambda _: ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
        reads_more=_npm,
        bars=_NODE_BARS,
        writes=_locks("package-lock.json"),
    ),
    Kind(
        fits=_starts("yarn install", "pnpm install"),
        files=lambda _: ("package.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc.yml"),
        reads_more=_npm,
        bars=_NODE_BARS | {".yarn", ".yarnrc", ".pnp.cjs", ".pnpmfile.cjs", "pnpm-workspace.yaml"},
        writes=_locks("its lock file", "--frozen-lockfile", "--immutable"),
    ),
    Kind(
        fits=_starts("bundle install"),
        files=lambda _: ("Gemfile", "Gemfile.lock", ".ruby-version", ".tool-versions"),
        reads_more=_bundle,
        bars=frozenset({"vendor", ".bundle"}),
        writes=_locks("Gemfile.lock", "--frozen", "--deployment"),
    ),
    Kind(
        fits=_starts("cargo fetch"),
        files=lambda _: ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"),
        reads_more=_cargo,
        bars=frozenset({".cargo"}),
        writes=_locks("Cargo.lock", "--locked", "--frozen"),
    ),
    Kind(
        fits=_starts("composer install"),
        files=lambda _: ("composer.json", "composer.lock", "auth.json"),
        reads_more=_composer,
        bars=frozenset({"vendor", ".git"}),  # the project's commit is written among its packages
    ),
    Kind(
        fits=lambda one: one.program == "mvn" and any("dependency:" in word for word in one.words),
        files=lambda _: ("pom.xml",),
        reads_more=_maven,
        bars=frozenset({"target", ".mvn"}),
    ),
    Kind(
        fits=_starts("pip install", "pip3 install"),
        files=_required,
        reads_more=_pip,
        bars=_PYTHON_BARS,
    ),
    Kind(
        fits=_starts("venv"),
        files=lambda _: (),
        reads_more=_venv,
        bars=_PYTHON_BARS,
    ),
    Kind(
        fits=_starts("poetry install"),
        files=lambda _: ("pyproject.toml", "poetry.lock", "poetry.toml"),
        reads_more=_poetry,
        bars=frozenset({".venv"}),
    ),
)
