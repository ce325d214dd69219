"""Edits of a Dockerfile and its context such as people make, ten of each, drawn by a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from benchmarks.corpus import made_up
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.dockerfile.parser import lines_of, parse

COUNT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is built: the text, the context, the build arguments, and how often bases moved."""

    text: str
    context: Context
    args: tuple[tuple[str, str], ...] = ()
    moved: int = 0


Edit = Callable[[State, random.Random], State | None]


def variants(state: State, rng: random.Random) -> Iterator[tuple[str, State]]:
    """Ten edits, each of the state as it is, each another; fewer where not so many can be made."""
    order = list(EDITS)
    rng.shuffle(order)
    seen = [state]
    for turn in range(3 * COUNT):
        name, edit = order[turn % len(order)]
        made = edit(state, rng)
        if made is not None and made not in seen:
            seen.append(made)
            yield name, made
        if len(seen) > COUNT:
            return


def _files(state: State) -> list[str]:
    entries = state.context.entries.items()
    return [
        path
        for path, entry in entries
        if entry.kind == "file" and path not in {made_up.IGNORED, ".dockerignore", "Dockerfile"}
    ]


def _file(state: State, path: str, **change: object) -> State:
    old = state.context.entries[path]
    assert isinstance(old, File)
    values = {"data": old.data, "mode": old.mode, "mtime": old.mtime, "owner": old.owner}
    new = File(**(values | change))  # type: ignore[arg-type]  # File's own names
    return replace(state, context=state.context.with_entry(path, new))


def _fresh(rng: random.Random) -> str:
    return f"v{rng.randrange(10**9)}"


def content(state: State, rng: random.Random) -> State | None:
    files = _files(state)
    return _file(state, rng.choice(files), data=_fresh(rng).encode()) if files else None


def touched(state: State, rng: random.Random) -> State | None:
    files = _files(state)
    return _file(state, rng.choice(files), mtime=rng.randrange(10**9)) if files else None


def mode(state: State, rng: random.Random) -> State | None:
    files = _files(state)
    return _file(state, rng.choice(files), mode=rng.choice((0o755, 0o600))) if files else None


def ignored(state: State, rng: random.Random) -> State | None:
    """What is kept back is not sent: the state's context is what is sent."""
    return _file(state, made_up.IGNORED, data=_fresh(rng).encode())


def new_file(state: State, rng: random.Random) -> State | None:
    folders = {path.rpartition("/")[0] for path in _files(state)} | {""}
    path = f"{rng.choice(sorted(folders))}/{_fresh(rng)}.txt".lstrip("/")
    return replace(state, context=state.context.with_file(path, b"new"))


def deleted(state: State, rng: random.Random) -> State | None:
    """Only of a folder that holds others, and never what a COPY names itself."""
    names = [path for path in _files(state) if path.endswith(("/in/two.txt", "util/one.c"))]
    return replace(state, context=state.context.without(rng.choice(names))) if names else None


def comment(state: State, rng: random.Random) -> State | None:
    lines = lines_of(state.text)
    places = [one.line - 1 for one in parse(state.text).instructions]
    lines.insert(rng.choice(places), f"# {_fresh(rng)}\n")
    return replace(state, text="".join(lines))


def run_text(state: State, rng: random.Random) -> State | None:
    return _first_word(state, rng, r"(?im)^(RUN\s+)(?=[a-z][^\n<]*$)", f": {_fresh(rng)}; ")


def value(state: State, rng: random.Random) -> State | None:
    pattern = r"(?im)^((?:ENV|ARG|LABEL)\s+[\w.-]+=)[\w./-]*(?=\s*$)"
    found = list(re.finditer(pattern, state.text))
    found = [one for one in found if not _in_from(state.text, one[1])]
    if not found:
        return None
    one = rng.choice(found)
    text = f"{state.text[: one.end(1)]}{_fresh(rng)}{state.text[one.end() :]}"
    return replace(state, text=text)


def _in_from(text: str, start: str) -> bool:
    """Whether a name is one that chooses a base, or a place that files go to."""
    name = start.rsplit(maxsplit=1)[-1].rstrip("=")
    if name in parse(text).arguments:
        return True
    return re.search(rf"(?im)^\s*(?:FROM|COPY|ADD)\b.*\$\{{?{name}\b", text) is not None


def build_argument(state: State, rng: random.Random) -> State | None:
    names = re.findall(r"(?im)^ARG\s+(\w+)", state.text)
    names = [name for name in names if not _in_from(state.text, f"ARG {name}=")]
    names = [name for name in names if not re.search(rf"ENV\s.*\$\{{?{name}\b", state.text)]
    return replace(state, args=((rng.choice(sorted(names)), _fresh(rng)),)) if names else None


def swapped(state: State, rng: random.Random) -> State | None:
    """Two instructions of one line each, of a kind that can stand in any order."""
    lines = lines_of(state.text)
    ones = [one for one in parse(state.text).instructions if one.line == one.end]
    free = {"LABEL", "EXPOSE", "VOLUME", "STOPSIGNAL", "RUN", "COPY", "CMD"}
    pairs = [
        (one, other)
        for one, other in pairwise(ones)
        if one.stage == other.stage
        and other.line == one.line + 1
        and {one.keyword, other.keyword} <= free
        and one.text != other.text
        and lines[other.line - 1].endswith("\n")
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    lines[one.line - 1], lines[other.line - 1] = lines[other.line - 1], lines[one.line - 1]
    return replace(state, text="".join(lines))


def owner(state: State, rng: random.Random) -> State | None:
    """A flag of a COPY that has none."""
    return _first_word(state, rng, r"(?im)^(COPY\s+)(?=[^-\s<\[][^\n<]*$)", "--chown=7:7 ")


def base(state: State, _: random.Random) -> State | None:
    return replace(state, moved=state.moved + 1)


def _first_word(state: State, rng: random.Random, pattern: str, word: str) -> State | None:
    found = list(re.finditer(pattern, state.text))
    if not found:
        return None
    at = rng.choice(found).end(1)
    return replace(state, text=state.text[:at] + word + state.text[at:])


EDITS: tuple[tuple[str, Edit], ...] = (
    ("content", content),
    ("time", touched),
    ("mode", mode),
    ("ignored file", ignored),
    ("new file", new_file),
    ("deleted file", deleted),
    ("comment", comment),
    ("RUN's text", run_text),
    ("value of ENV, ARG or LABEL", value),
    ("build argument", build_argument),
    ("order", swapped),
    ("COPY --chown", owner),
    ("base moved", base),
)
