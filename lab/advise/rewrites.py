"""Rewrites of a Dockerfile that could save rebuilds. Each is a proposal: what it gains is predicted
or measured by others, never assumed here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from lab.dockerfile import Dockerfile, Instruction, parse
from lab.manifest.sources import operands
from lab.manifest.variables import assignments, names


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A changed Dockerfile, or .dockerignore, and why. ``heed``: what to look at before."""

    kind: str
    why: str
    dockerfile: str
    ignore: str | None = None
    heed: str = ""


# What a dependency command reads: programs on the left, the files that say which on the right.
DEPENDENCIES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), files)
    for pattern, files in (
        (r"go mod download|go mod vendor", ("go.mod", "go.sum")),
        (
            r"npm (?:ci|install)|yarn install|pnpm install",
            ("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc"),
        ),
        (r"bundle install", ("Gemfile", "Gemfile.lock")),
        (r"cargo fetch|cargo vendor", ("Cargo.toml", "Cargo.lock")),
        (r"composer install", ("composer.json", "composer.lock")),
        (r"mvn dependency:[a-z-]+", ("pom.xml",)),
        (r"poetry install", ("pyproject.toml", "poetry.lock")),
    )
)
_REQUIREMENTS = re.compile(r"\bpip3? install\b.*?(?:-r|--requirement)[ =]([\w./-]+)")
_INDEPENDENT = re.compile(
    r"^RUN\s+(?:--\S+\s+)*(?:apt-get|apt|apk|dnf|microdnf|yum|zypper|useradd|adduser|groupadd|"
    r"addgroup)\b"
)
_UNBUILT = (".git", ".github", ".gitlab", "*.md", "docs", ".vscode", ".idea", "LICENSE")


def rewrites(text: str, paths: Collection[str], ignore: str | None) -> list[Rewrite]:
    """Every rewrite that fits. ``paths`` are those of the context, ``ignore`` its .dockerignore."""
    parsed = parse(text)
    found: list[Rewrite] = []
    kinds: tuple[Callable[[Dockerfile, Collection[str]], Iterator[Rewrite]], ...] = (
        _dependencies_first,
        _packages_first,
        _variables_down,
        _labels_down,
        _linked,
    )
    for kind in kinds:
        found += kind(parsed, paths)
    found += _ignored(parsed, paths, ignore or "")
    return [one for one in found if one.dockerfile != text or one.ignore is not None]


def _dependencies_first(parsed: Dockerfile, paths: Collection[str]) -> Iterator[Rewrite]:
    """Only the files that name the dependencies stand above the step that fetches them."""
    for run in parsed.instructions:
        copy = _copy_above(parsed, run)
        if run.keyword != "RUN" or copy is None:
            continue
        wanted = [name for name in _named_by(run.text) if name in paths]
        sources = operands(copy)[:-1]
        everything = all(source in {".", "./"} for source in sources)
        if not wanted or not everything:
            continue
        target = operands(copy)[-1]
        place = target if target.endswith("/") else f"{target}/"
        added = f"COPY {' '.join(wanted)} {place}"
        yield Rewrite(
            kind="dependencies before sources",
            why=f"{_short(run)} reads {', '.join(wanted)} alone, and runs after every change of "
            "any file",
            dockerfile=_moved(parsed, run, before=copy, added=added),
            heed="local paths among the dependencies must be copied too",
        )


def _named_by(text: str) -> list[str]:
    """The files that a dependency command reads."""
    if re.search(r"&&|;|\|\||npm run|go build|cargo build|\bmake\b", text):
        return []  # it does more than fetch: what else it reads nobody can know
    found = [name for pattern, files in DEPENDENCIES if pattern.search(text) for name in files]
    return found + [match[1].removeprefix("./") for match in _REQUIREMENTS.finditer(text)]


def _packages_first(parsed: Dockerfile, paths: Collection[str]) -> Iterator[Rewrite]:
    """What reads nothing of the context stands above what is copied from it."""
    del paths
    for run in parsed.instructions:
        copy = _copy_above(parsed, run)
        if copy is None or not _INDEPENDENT.match(run.text) or run.heredocs:
            continue
        between = parsed.instructions[copy.index + 1 : run.index]
        shown = " ".join(operands(copy)[:-1])
        if any(one.keyword in {"USER", "WORKDIR", "SHELL"} for one in between):
            continue
        place = operands(copy)[-1].rstrip("/")
        if len(place) > 1 and place in run.text:
            continue
        yield Rewrite(
            kind="packages before sources",
            why=f"{_short(run)} reads nothing of {shown}, and runs after every change of it",
            dockerfile=_moved(parsed, run, before=copy),
        )


def _variables_down(parsed: Dockerfile, paths: Collection[str]) -> Iterator[Rewrite]:
    """An ARG or ENV stands just above the first step that names it."""
    del paths
    for one in parsed.instructions:
        if one.keyword not in {"ARG", "ENV"} or one.stage is None:
            continue
        mine = {name for name, _ in assignments(one.operands, bare=one.keyword == "ARG")}
        if not mine or mine & {"PATH", "HOME", "DEBIAN_FRONTEND"}:
            continue
        below = [
            parsed.instructions[index]
            for index in parsed.stages[one.stage].instructions
            if index > one.index
        ]
        first = next((other for other in below if _mentions(other, mine)), None)
        passed = below[: below.index(first)] if first is not None else []
        if first is None or not any(other.keyword == "RUN" for other in passed):
            continue
        yield Rewrite(
            kind=f"{one.keyword} moved down",
            why=f"{_short(one)} is first named by {_short(first)}; the steps between run again "
            "when its value changes",
            dockerfile=_moved(parsed, one, before=first),
            heed="a program of those steps that reads it from its environment needs it above",
        )


def _labels_down(parsed: Dockerfile, paths: Collection[str]) -> Iterator[Rewrite]:
    """A LABEL stands at its stage's end: some builders rebuild all below it."""
    del paths
    for one in parsed.instructions:
        if one.keyword != "LABEL" or one.stage is None:
            continue
        below = [index for index in parsed.stages[one.stage].instructions if index > one.index]
        if any(parsed.instructions[index].keyword in {"RUN", "COPY", "ADD"} for index in below):
            yield Rewrite(
                kind="LABEL moved down",
                why=f"{_short(one)} is part of the key of every step below it",
                dockerfile=_moved(parsed, one, after=parsed.instructions[below[-1]]),
            )


def _linked(parsed: Dockerfile, paths: Collection[str]) -> Iterator[Rewrite]:
    """COPY --link in the last stage: it does not depend on the steps before it."""
    del paths
    for one in parsed.instructions:
        last = one.stage == len(parsed.stages) - 1 and len(parsed.stages) > 1
        if one.keyword != "COPY" or not last or one.flag("from") is None:
            continue
        if one.flag("link") is None:
            lines = parsed.text.splitlines(keepends=True)
            at = one.line - 1
            lines[at] = re.sub(r"(?i)^(\s*COPY)\s", r"\1 --link ", lines[at], count=1)
            yield Rewrite(
                kind="COPY --link",
                why=f"{_short(one)} then stays when only what stands before it changes",
                dockerfile="".join(lines),
                heed="links in the target's path are not followed",
            )


def _ignored(parsed: Dockerfile, paths: Collection[str], ignore: str) -> Iterator[Rewrite]:
    """Lines of .dockerignore for what no build reads."""
    copies = [one for one in parsed.instructions if one.keyword in {"COPY", "ADD"}]
    whole = [one for one in copies if one.flag("from") is None and "." in operands(one)[:-1]]
    if not whole:
        return
    named = parsed.text
    lines = {line.strip().rstrip("/") for line in ignore.splitlines()}
    for pattern in _UNBUILT:
        stem = pattern.removeprefix("*")
        there = any(
            path.endswith(stem) if pattern.startswith("*") else path.split("/")[0] == pattern
            for path in paths
        )
        if there and pattern not in lines and stem not in named.replace("COPY . .", ""):
            end = "" if not ignore or ignore.endswith("\n") else "\n"
            yield Rewrite(
                kind="a .dockerignore line",
                why=f"{_short(whole[0])} takes {pattern}, which no instruction names",
                dockerfile=parsed.text,
                ignore=f"{ignore}{end}{pattern}\n",
                heed="a program may read it all the same",
            )


def _mentions(instruction: Instruction, mine: set[str]) -> bool:
    text = "\n".join((instruction.text, *instruction.heredocs))
    words = set(re.findall(r"\w+", text))
    return bool(mine & (words | set(names(text))))


def _copy_above(parsed: Dockerfile, run: Instruction) -> Instruction | None:
    """The first COPY from the context above a RUN, with no other RUN between."""
    if run.keyword != "RUN" or run.stage is None:
        return None
    found = None
    for index in reversed(parsed.stages[run.stage].instructions):
        one = parsed.instructions[index]
        if index >= run.index:
            continue
        if one.keyword in {"RUN", "FROM"}:
            break
        if one.keyword in {"COPY", "ADD"} and one.flag("from") is None:
            found = one
    return found


def _moved(
    parsed: Dockerfile,
    one: Instruction,
    *,
    before: Instruction | None = None,
    after: Instruction | None = None,
    added: str = "",
) -> str:
    """The text with an instruction's lines at another place, ``added`` above it."""
    lines = parsed.text.splitlines(keepends=True)
    lines = [line if line.endswith("\n") else f"{line}\n" for line in lines]
    first, last = _span(lines, one)
    block = lines[first:last]
    if added:
        block.insert(0, f"{added}\n")
    rest = [*lines]
    if before is not None:
        at, _ = _span(lines, before)
    else:
        at = _span(lines, after)[1] if after is not None else len(lines)
    if at <= first:
        del rest[first:last]
        rest[at:at] = block
    else:
        rest[at:at] = block
        del rest[first:last]
    return "".join(rest)


def _span(lines: list[str], one: Instruction) -> tuple[int, int]:
    """The lines of an instruction, here-documents and continuations with it."""
    first = at = one.line - 1
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if not line.endswith("\\") and line.strip() and not line.lstrip().startswith("#"):
            break
    for body in one.heredocs:
        at += len(body.split("\n")) + 1 if body else 1
    return first, at


def _short(one: Instruction) -> str:
    text = " ".join(one.text.split())
    return text if len(text) <= 50 else f"{text[:49]}…"
