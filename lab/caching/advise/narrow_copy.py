"""Less of the context for the same image: narrower COPYs, stages apart. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from lab.caching.advise import text_edit
from lab.caching.advise.dockerfile_view import QUIET, DockerfileView
from lab.caching.advise.go_reads import GoBuild, Reads, go_build, reads
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.shell_commands import Command, reads_variable
from lab.caching.advise.text_edit import short
from lab.dockerfile.cachekey.sources import operands
from lab.dockerfile.model import Instruction

_ODD = re.compile(r"[^\w./@+:,=~-]")  # what a COPY would part, fill in or take for a pattern
MOST = 8  # COPY lines that a rewrite may need
_HARMLESS = {("go", "version"), ("go", "env"), ("go", "mod", "download"), ("go", "mod", "verify"),
             ("true",), ("echo",), ("sleep",)}  # fmt: skip
_CAUTION = "a package that is added in another folder must be copied too: without it nothing builds"


def narrower(view: DockerfileView) -> Iterator[Rewrite]:
    """Of the whole context only what the Go packages that are built can read."""
    for copy in view.parsed.instructions:
        found = go_alone(view, copy)
        if found is None:
            continue
        wanted = reads(view, found)
        lines = None if wanted is None else _copies(view, copy, wanted)
        if lines is None:
            continue
        yield Rewrite(
            kind="narrower COPY",
            why=f"the Go packages built below {short(copy)} import nothing of the rest",
            dockerfile=text_edit.replaced(view.parsed, [(copy, lines)]),
            alters=unstamped(view, copy),
            caution=_CAUTION,
        )


def unstamped(view: DockerfileView, copy: Instruction) -> str:
    """How programs change when .git is no longer beside them; empty: they do not."""
    runs = [one for one in view.below(copy) if one.keyword == "RUN"]
    asked = [one for one in runs if "go build" in one.text and "-buildvcs=false" not in one.text]
    if ".git" not in view.context.entries or not asked:
        return ""
    return "go writes no commit into the program once .git is not beside it (see -buildvcs)"


def go_alone(view: DockerfileView, copy: Instruction) -> list[GoBuild] | None:
    """The builds below a COPY of the whole, where nothing but they can see what it copies."""
    place = view.place(copy) if view.whole(copy) else None
    if place is None or copy.stage is None or view.taken(copy.stage, place):
        return None
    found: list[GoBuild] = []
    for one in view.below(copy):
        if one.keyword in QUIET | {"ENV", "ARG", "WORKDIR"}:
            continue
        given = view.commands(one)
        if given is None or any(mount["type"] == "bind" for mount in one.mounts):
            return None
        if view.folder(one) != place or _set_elsewhere(view, one, place):
            return None
        for command in given:
            build = go_build(command)
            if build is None and not _harmless(command):
                return None
            found += [] if build is None else [build]
    return found or None


def _set_elsewhere(view: DockerfileView, run: Instruction, place: str) -> bool:
    """Whether a setting of go's in the environment names something of the context."""
    go = Command(words=("go",))
    texts = [text for name, text in view.variables(run) if reads_variable(go, name)]
    return any(view.named(text, place) - {"vendor"} for text in texts)


def _harmless(one: Command) -> bool:
    return any(one.starts(*words) for words in _HARMLESS) and "vendor" not in one.words


def _copies(view: DockerfileView, copy: Instruction, wanted: Reads) -> list[str] | None:
    """The COPY lines of what is read; None where they would be no narrower, or too many."""
    tops = sorted(_outermost(wanted.folders))
    if len(tops) > MOST - 1:
        tops = sorted({path.split("/")[0] for path in tops})
    covered = [
        path
        for path, entry in view.context.entries.items()
        if entry.kind != "directory"
        and (path in wanted.files or any(path.startswith(f"{top}/") for top in tops))
    ]
    sent = [
        path
        for path, entry in view.context.entries.items()
        if entry.kind != "directory" and path != ".dockerignore"
    ]
    if (
        len(tops) > MOST - 1
        or not set(sent) - set(covered)
        or any(_ODD.search(path) for path in covered)
    ):
        return None
    flags = text_edit.flags(copy)
    names = sorted(path for path in wanted.files if not path.endswith(".go"))
    names += ["*.go"] if len(names) < len(wanted.files) else []
    to = f"{operands(copy)[-1].rstrip('/')}/"
    lines = [f"COPY {flags}{' '.join(names)} {to}"] if names else []
    return [*lines, *(f"COPY {flags}{top} {to}{top}/" for top in tops)]


def _outermost(folders: set[str]) -> set[str]:
    return {
        one
        for one in folders
        if not any(one.startswith(f"{other}/") for other in folders if other != one)
    }


def apart(view: DockerfileView) -> Iterator[Rewrite]:
    """Programs that are built from one COPY get a stage each, with what each of them reads."""
    numbered = any(
        ref.isdecimal()
        for one in view.parsed.instructions
        for ref in [
            *(value for name, value in one.flags if name == "from"),
            *(mount.get("from", "") for mount in one.mounts),
        ]
    )
    for stage in view.parsed.stages:
        found = None if numbered or not stage.named else _programs(view, stage.index)
        if found is None:
            continue
        copy, runs = found
        changes = _changes(view, stage.index, copy, runs)
        if changes is None:
            continue
        yield Rewrite(
            kind="stage split",
            why=f"{len(runs)} programs are built from {short(copy)} one after another, and each "
            "is built again when only another's files change",
            dockerfile=text_edit.replaced(view.parsed, changes),
            alters=unstamped(view, copy),
            caution="what they share is compiled in each stage, unless a cache mount holds it; no "
            f"stage is named {stage.name} any more, should a --target ask for it; {_CAUTION}",
        )


BuildFinished = tuple[Instruction, GoBuild]


def _programs(view: DockerfileView, stage: int) -> tuple[Instruction, list[BuildFinished]] | None:
    """A stage that ends in a COPY of the whole and at least two builds, each read by its path."""
    steps = view.steps(stage)
    runs: list[BuildFinished] = []
    while steps and steps[-1].keyword == "RUN":
        given = view.commands(steps[-1])
        build = go_build(given[0]) if given is not None and len(given) == 1 else None
        if build is None or build.output is None or not build.output.startswith("/"):
            break
        runs.insert(0, (steps.pop(), build))
    copy = steps[-1] if steps else None
    if copy is None or len(runs) < 2 or not view.whole(copy) or go_alone(view, copy) is None:
        return None
    leaves = view.leaves(stage) or []
    outputs = {build.output for _, build in runs}
    apart_ones = len(outputs) == len(runs) and set(leaves) <= outputs
    return (copy, runs) if apart_ones else None


def _changes(
    view: DockerfileView, stage: int, copy: Instruction, runs: Sequence[BuildFinished]
) -> list[tuple[Instruction, Sequence[str]]] | None:
    about = view.parsed.stages[stage]
    taken = {one.name for one in view.parsed.stages}
    names = [f"{about.name}-{posixpath.basename(build.output or '').lower()}" for _, build in runs]
    if not all(re.fullmatch(r"[a-z][a-z0-9_.-]*", name) for name in names):
        return None
    if len(set(names)) < len(names) or set(names) & taken or f"{about.name}-base" in taken:
        return None
    head = view.steps(stage)[0]
    words = head.text.split()
    changes: list[tuple[Instruction, Sequence[str]]] = [
        (head, [" ".join([*words[:-1], f"{about.name}-base"])]),
        (copy, []),
    ]
    for (run, build), name in zip(runs, names, strict=True):
        wanted = reads(view, [build])
        copies = None if wanted is None else _copies(view, copy, wanted)
        if copies is None:
            return None
        written = text_edit.written(view.parsed, run)
        args = [
            f"ARG {one.operands}"
            for one in view.steps(stage)
            if one.keyword == "ARG" and one.index < run.index
        ]
        changes.append((run, ["", f"FROM {about.name}-base AS {name}", *args, *copies, *written]))
    by_output = {build.output: name for (_, build), name in zip(runs, names, strict=True)}
    for one in view.parsed.instructions:
        if stage in view.parsed.sources(one):
            new = _from(
                one,
                {posixpath.normpath(f"/{w.lstrip('/')}"): w for w in operands(one)[:-1]},
                by_output,
            )
            if new is None:
                return None
            changes.append((one, new))
    return changes


def _from(
    one: Instruction, sources: dict[str, str], by_output: dict[str | None, str]
) -> list[str] | None:
    """A COPY --from of one program, from the program's own stage."""
    if len(sources) != 1 or one.operands.startswith("["):
        return None
    name = by_output[next(iter(sources))]
    return [f"COPY --from={name} {text_edit.flags(one, but='from')}{one.operands}"]
