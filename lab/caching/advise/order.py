"""Instructions in a better order: what changes seldom stands above what changes often. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from lab.caching.advise import text_edit
from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.shell_commands import blind, independent
from lab.caching.advise.text_edit import short
from lab.dockerfile.cachekey.sources import operands
from lab.dockerfile.cachekey.variables import assignments, names
from lab.dockerfile.model import Instruction

# Folders whose own mode and owner --link would write as those of a fresh one: they are as fresh.
_PLAIN = re.compile(r"/(?:usr/local(?:/(?!man)\w+)?|usr/(?:bin|lib|share)|etc|opt)?$")
_NUMBERS = re.compile(r"(?:\d+|root)(?::(?:\d+|root))?")


def packages_first(view: DockerfileView) -> Iterator[Rewrite]:
    """What reads nothing of the context stands above what is copied from it."""
    for run in view.parsed.instructions:
        copy = view.copy_above(run) if run.keyword == "RUN" else None
        if copy is None or not independent(run):
            continue
        between = [copy, *(one for one in view.below(copy) if one.index < run.index)]
        copies = [one for one in between if one.keyword in {"COPY", "ADD"}]
        apart = {view.apart(one): one for one in copies}
        if False in apart or _reads_copied(view, run, copies):
            continue
        shared = apart.get(None)
        yield Rewrite(
            kind="packages before sources",
            why=f"{short(run)} reads nothing of {' '.join(operands(copy)[:-1])}, and runs after "
            "every change of it",
            dockerfile=text_edit.moved(view.parsed, run, before=copy),
            alters="" if shared is None else f"packages may write to {view.place(shared)} too",
        )


def _reads_copied(view: DockerfileView, run: Instruction, copies: list[Instruction]) -> bool:
    """Whether packages know of something copied: by its place, its name, or a variable."""
    places = [view.place(one) or "/" for one in copies]
    brought = [path for path, entry in view.context.entries.items() if entry.kind == "file"]
    brought += [word for one in copies for word in operands(one)]
    words = {posixpath.basename(word) for word in re.split(r"[\s=]+", run.operands)} - {""}
    if words & {posixpath.basename(path) for path in brought}:
        return True
    texts = [run.text]
    for name, text in view.variables(run):
        texts += [] if name == "PATH" or blind(run, {name}) else [text]
    return any(place in text for place in places for text in texts)


def variables_down(view: DockerfileView) -> Iterator[Rewrite]:
    """An ARG or ENV stands just above the first step that names it."""
    for one in view.parsed.instructions:
        if one.keyword not in {"ARG", "ENV"} or one.stage is None:
            continue
        mine = {name for name, _ in assignments(one.operands, bare=one.keyword == "ARG")}
        below = view.below(one)
        first = next((other for other in below if _mentions(other, mine)), None)
        passed = below[: below.index(first)] if first is not None else []
        runs = [other for other in passed if other.keyword == "RUN"]
        if not mine or first is None or not runs:
            continue
        if any(_sets(other, set(names(one.operands))) for other in passed):
            continue  # its own value would be another
        reading = [run for run in runs if not blind(run, mine)]
        yield Rewrite(
            kind=f"{one.keyword} moved down",
            why=f"{short(one)} is first named by {short(first)}; the steps between run again "
            "when its value changes",
            dockerfile=text_edit.moved(view.parsed, one, before=first),
            alters=f"{short(reading[0])} may read it from its environment" if reading else "",
        )


def labels_down(view: DockerfileView) -> Iterator[Rewrite]:
    """A LABEL stands at its stage's end: some builders rebuild all below it."""
    for one in view.parsed.instructions:
        if one.keyword != "LABEL" or one.stage is None or names(one.text):
            continue
        below = view.below(one)
        mine = {name for name, _ in assignments(one.operands)}
        later = {
            name
            for other in below
            if other.keyword == "LABEL"
            for name, _ in assignments(other.operands)
        }
        if mine & later:
            continue
        if any(other.keyword in {"RUN", "COPY", "ADD"} for other in below):
            yield Rewrite(
                kind="LABEL moved down",
                why=f"{short(one)} is part of the key of every step below it",
                dockerfile=text_edit.moved(view.parsed, one, after=below[-1]),
            )


def linked(view: DockerfileView) -> Iterator[Rewrite]:
    """COPY --link in the target: where it gains, it does not depend on the steps before it.

    Docker's graph drivers and podman build it as a COPY (tests/contract/test_cache_matrix.py).
    """
    for one in view.steps(view.target):
        if one.keyword != "COPY" or one.flag("from") is None or one.flag("link") is not None:
            continue
        place = view.place(one)
        words = operands(one)
        if len(words) < 2 or not _NUMBERS.fullmatch(one.flag("chown") or "0"):
            continue  # on a layer of its own no passwd tells the number of a name: it is refused
        inside = len(words) > 2 or re.search(r"(?:/|^\.{1,2}|/\.{1,2})$", words[-1]) is not None
        folder = "" if place is None else place
        if place is not None and not inside:
            folder = posixpath.dirname(place)
        made = place in {None, "/"} or (not inside and _there(view, one, place or ""))
        plain = (
            not made and _PLAIN.match(folder) is not None and not _named_above(view, one, folder)
        )
        yield Rewrite(
            kind="COPY --link",
            why=f"{short(one)} then stays when only what stands before it changes, in Docker's "
            "containerd image store alone (new installs have it since 29)",
            dockerfile=text_edit.flagged(view.parsed, [(one, "--link")]),
            alters=""
            if plain
            else f"{folder or words[-1]} may be a link, or a folder of another mode or owner",
        )


def _there(view: DockerfileView, one: Instruction, place: str) -> bool:
    """Whether a step above could have made the very place that a COPY writes to."""
    name = re.compile(rf"(?<![\w.-]){re.escape(posixpath.basename(place))}(?![\w.-])")
    for other in view.inherited(one):
        if other.keyword in {"RUN", "WORKDIR", "VOLUME"} and name.search(other.text):
            return True
        at = view.place(other) if other.keyword in {"COPY", "ADD"} else ""
        if at is None or f"{at}/".startswith(f"{place}/"):
            return True
    return False


def _named_above(view: DockerfileView, one: Instruction, folder: str) -> bool:
    """Whether a step above could have made the folder something else."""
    return folder != "/" and any(
        folder in other.text for other in view.inherited(one) if other.keyword == "RUN"
    )


def _sets(instruction: Instruction, mine: set[str]) -> bool:
    if instruction.keyword not in {"ARG", "ENV"}:
        return False
    pairs = assignments(instruction.operands, bare=instruction.keyword == "ARG")
    return bool(mine & {name for name, _ in pairs})


def _mentions(instruction: Instruction, mine: set[str]) -> bool:
    text = "\n".join((instruction.text, *instruction.heredocs))
    words = set(re.findall(r"\w+", text))
    return bool(mine & (words | set(names(text))))
