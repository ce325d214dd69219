"""What fetches dependencies stands above the sources, and below the files that name them. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.caching.advise import text_edit
from lab.caching.advise.dependencies import Fetch, doubt, fetch
from lab.caching.advise.dockerfile_view import QUIET, DockerfileView
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.shell_commands import below_cd
from lab.caching.advise.text_edit import short
from lab.dockerfile.cachekey.sources import chosen, operands
from lab.dockerfile.model import Instruction

KIND = "dependencies before sources"


def dependencies_first(view: DockerfileView, only: int | None = None) -> Iterator[Rewrite]:
    """Only the files that name the dependencies stand above the step that fetches them.

    ``only``: of this instruction.
    """
    for run in _runs(view, only):
        copy = view.copy_above(run)
        if copy is None or not view.whole(copy):
            continue
        others = [one for one in view.below(copy) if one.index < run.index]
        wanted = fetch(run, view)
        if wanted is None or any(one.keyword not in QUIET | {"WORKDIR"} for one in others):
            continue
        if view.folder(run) != view.place(copy):
            continue
        if _led_astray([copy], others):
            continue
        place = operands(copy)[-1]
        flags = text_edit.flags(copy, but="link")
        place = place if place.endswith("/") else f"{place}/"
        yield Rewrite(
            kind=KIND,
            why=f"{short(run)} reads {', '.join(wanted.files)} alone, and runs after every change "
            "of any file",
            dockerfile=text_edit.replaced(
                view.parsed,
                [
                    (copy, [f"COPY {flags}{' '.join(wanted.files)} {place}"]),
                    (
                        run,
                        text_edit.written(view.parsed, run) + text_edit.written(view.parsed, copy),
                    ),
                ],
            ),
            alters=_restored(run, wanted),
        )


def sources_below(view: DockerfileView, only: int | None = None) -> Iterator[Rewrite]:
    """Where the files that name the dependencies are copied apart, other copies stand below the
    step that fetches.
    """
    for run in _runs(view, only):
        wanted = fetch(run, view)
        sources = None if wanted is None else _sources_above(view, run, wanted)
        if wanted is None or not sources:
            continue
        copies = [one for one, _ in sources]
        lines = [line for one in (run, *copies) for line in text_edit.written(view.parsed, one)]
        restores = any(files & set(wanted.files) for _, files in sources)
        yield Rewrite(
            kind=KIND,
            why=f"{short(run)} reads {', '.join(wanted.files)} alone, and runs after every "
            f"change of what {short(copies[0])} brings",
            dockerfile=text_edit.replaced(
                view.parsed, [*((one, []) for one in copies), (run, lines)]
            ),
            alters=_restored(run, wanted) if restores else "",
        )


def _sources_above(
    view: DockerfileView, run: Instruction, wanted: Fetch
) -> list[tuple[Instruction, set[str]]] | None:
    """The copies above a RUN that it need not have, with the files that they bring; None where they
    cannot stand below it, or the others bring less than it wants.
    """
    between = _between(view, run)
    if between is None:
        return None
    named: set[str] = set()
    found: list[tuple[Instruction, set[str]]] = []
    for one in between:
        brought = _brought(view, run, one) if one.keyword == "COPY" else set()
        if brought is None:
            return None
        if brought <= set(wanted.files):
            named |= brought
        else:
            found.append((one, brought))
    if set(wanted.files) - named or _led_astray([one for one, _ in found], between):
        return None
    return found


def _between(view: DockerfileView, run: Instruction) -> list[Instruction] | None:
    """The first copy above a RUN and all from there to it; None where any of that is more than
    copies and what acts on no file.
    """
    first = view.copy_above(run)
    if first is None:
        return None
    found = [first, *(one for one in view.below(first) if one.index < run.index)]
    return found if all(one.keyword in QUIET | {"WORKDIR", "COPY"} for one in found) else None


def fetched_apart(view: DockerfileView) -> Iterator[Rewrite]:
    """A RUN that fetches, and then does more, is parted: what it fetches stands above the sources.

    Both ways one RUN runs after an edit, or two: only builds can show the gain.
    """
    for run in _runs(view, None):
        halves = _halves(run, view)
        if halves is None:
            continue
        parted = view.over(text_edit.replaced(view.parsed, [(run, halves)]))
        for kind in (dependencies_first, sources_below):
            for one in kind(parted, run.index):
                yield replace(one, kind="dependencies in a RUN of their own", measured=True)


def left_below(view: DockerfileView) -> Iterator[str]:
    """What fetches dependencies below a copy of the whole, and why it is left there."""
    for run in _runs(view, None):
        copy = view.copy_above(run)
        if copy is not None and view.whole(copy) and (why := doubt(run, view)) is not None:
            yield (
                f"{short(run)} (line {run.line}) runs after every change of any file, and is left "
                f"there: {why}"
            )


def _runs(view: DockerfileView, only: int | None) -> list[Instruction]:
    found = [one for one in view.parsed.instructions if one.keyword == "RUN"]
    return found if only is None else [one for one in found if one.index == only]


def _halves(run: Instruction, view: DockerfileView) -> list[str] | None:
    """A RUN as two, the first of which only fetches; None where it cannot be parted."""
    found = below_cd(run)
    parts = [part.strip() for part in run.operands.split("&&")]
    if found is None or set(";|") & set(run.operands):
        return None
    folder, given = found
    start = parts[:1] if folder else []
    parts = parts[len(start) :]
    if len(parts) != len(given) or any(one.program == "set" for one in given):
        return None  # quotes hold one of them, or an option of the shell would be lost
    for count in range(len(parts) - 1, 0, -1):
        first = " && ".join([*start, *parts[:count]])
        if fetch(replace(run, operands=first), view) is not None:
            flags = text_edit.flags(run)
            rest = " && ".join([*start, *parts[count:]])
            return [f"RUN {flags}{first}", f"RUN {flags}{rest}"]
    return None


def _brought(view: DockerfileView, run: Instruction, copy: Instruction) -> set[str] | None:
    """The files of the context that a COPY brings, each to its own place below the folder of a
    RUN; else None.
    """
    place, folder = view.place(copy), view.folder(run)
    if place is None or folder is None or not view.plain(copy):
        return None
    *sources, last = operands(copy)
    inside = len(sources) > 1 or last.endswith("/") or last in {".", ".."}
    found: set[str] = set()
    for word in sources:
        source = posixpath.normpath(word.lstrip("/") or ".")
        files = chosen(view.context.entries, [source])
        if not files or place != _own_place(view, source, folder, inside=inside):
            return None
        found |= {path for path, entry in files.items() if entry.kind != "directory"}
    return found


def _own_place(view: DockerfileView, source: str, folder: str, *, inside: bool) -> str | None:
    """Where a COPY must write to, so that what it copies comes to its own place below a folder.

    ``inside``: it writes into a folder. None: nowhere.
    """
    entry = view.context.entries.get(source)
    whole = posixpath.normpath(posixpath.join(folder, source))
    if source == "." or (entry is not None and entry.kind == "directory"):
        return whole
    if entry is not None:
        return posixpath.dirname(whole) if inside else whole
    found = chosen(view.context.entries, [source])  # a pattern: of files beside one another
    beside = all("/" not in path and one.kind == "file" for path, one in found.items())
    return folder if inside and beside else None


def _led_astray(moved: Sequence[Instruction], passed: Sequence[Instruction]) -> bool:
    """Whether a copy would go elsewhere, below a WORKDIR that stands below it."""
    return any(
        other.keyword == "WORKDIR" and other.index > one.index
        for one in moved
        for other in passed
        if not operands(one)[-1].startswith("/")
    )


def _restored(run: Instruction, wanted: Fetch) -> str:
    """How the image could come out otherwise, where the context's files are copied after it."""
    if not wanted.writes:
        return ""
    return f"{short(run)} may write {wanted.writes}, and the copy below it puts the context's back"
