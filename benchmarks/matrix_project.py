"""Kinds of edits as what is built: one Dockerfile of a stage a kind, its context and arguments."""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.caching.matrix.kinds import Kind, Placed, State
from lab.caching.predict.cache_simulator import CacheSimulator, Prediction, predict
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, Rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import Directory, Entry, File, Link
from lab.model.events import Outcome

# A word that no two measurements share; what is printed is kept too, to be read out of the stage.
PROBE = "echo probe @ $(cat /proc/sys/kernel/random/uuid) | tee /tmp/v"
_KEPT = posixpath.dirname(PROBE.rpartition(" ")[2])
IGNORED = "**/*.ignored\n"
REFS = {
    name: f"localhost/lab/matrix:{name.lower()}" for name in ("BASE", "SAME", "LABELLED", "LAYERED")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What is called otherwise on each engine: where it sees this machine, tmpfs's size."""

    http: str = "http://127.0.0.1:9"
    git: str = "git://127.0.0.1:9"
    size: str = "size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is built. ``served`` and ``repositories`` have to be there before, by their path.

    ``special`` are entries of the context with what the lab itself never sends: extended
    attributes, times of folders.
    """

    text: str
    context: Context
    special: Mapping[str, Placed]
    args: Mapping[str, str]
    labels: Mapping[str, str]
    target: str | None
    served: Mapping[str, Placed]
    repositories: Mapping[str, tuple[int, int]]
    secret: str | None


def word(kind: Kind, fresh: str) -> str:
    """What `@` stands for in a measurement's text."""
    return f"k{kind.number}{fresh}"


def project(
    kinds: Sequence[Kind], fresh: str, *, edited: bool, places: Places, collect: bool
) -> Project:
    """The project of some kinds, before or after their edits.

    ``collect`` adds a stage that reads the values out of all others, so that all are built.
    """
    states = [kind.after if edited else kind.before for kind in kinds]
    placed: dict[str, Placed] = {}
    args: dict[str, str] = {}
    labels: dict[str, str] = {}
    served: dict[str, Placed] = {}
    repositories: dict[str, tuple[int, int]] = {}
    heads: list[str] = []
    stages: list[str] = []
    for kind, state in zip(kinds, states, strict=True):
        at = word(kind, fresh)
        heads += [state.head.replace("@", at)] if state.head else []
        offered = _own(state.served, at)
        asked = f"\nRUN : {edited}; echo value @ $(stat -c %y {kind.probe})" if kind.probe else ""
        stages.append(_summed(_stage(state, places, asked).replace("@", at), offered.values()))
        placed |= {f"{at}/{path}": one for path, one in _own(state.files, at).items()}
        args |= {name.replace("@", at): value for name, value in state.args.items()}
        labels |= {name.replace("@", at): value for name, value in state.labels.items()}
        served |= {f"{at}/{path}": one for path, one in offered.items()}
        if state.commits:
            repositories[f"{at}.git"] = (state.commits, state.branch)
    if collect:
        stages.append(_collector(kinds, fresh, edited=edited))
    text = _named("\n".join((*heads, *stages)) + "\n")
    target = next((state.target for state in states if state.target), None)
    entries: dict[str, Entry] = {path: _entry(one) for path, one in placed.items()}
    own = {".dockerignore": File(IGNORED.encode()), "Dockerfile": File(text.encode())}
    return Project(
        text=text,
        context=Context(own | entries),
        special={path: one for path, one in placed.items() if _special(one)},
        args=args,
        labels=labels,
        target=target.replace("@", word(kinds[0], fresh)) if target else None,
        served=served,
        repositories=repositories,
        secret=next((state.secret for state in states if state.secret), None),
    )


def _named(text: str) -> str:
    """The Dockerfile with the bases' references in the place of their names."""
    for name, ref in REFS.items():
        text = re.sub(rf"\b{name}\b", ref, text)
    return text


def _summed(stage: str, offered: Iterable[Placed]) -> str:
    """The stage with the digest of what is served to it."""
    for one in offered:
        stage = stage.replace("SHA256", f"sha256:{hashlib.sha256(content(one)).hexdigest()}")
    return stage


def _special(one: Placed) -> bool:
    return bool(one.xattr or (one.folder and one.mtime))


def content(placed: Placed) -> bytes:
    """The bytes of a file."""
    if not placed.tar:
        return placed.text.encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in placed.tar.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text), placed.mtime
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def foretold(
    before: Project, after: Project, rules: Rules, images: Mapping[str, str]
) -> Prediction:
    """The prediction of the second of two builds. ``images`` are ids by reference."""
    memory = CacheSimulator()
    predict(inputs(before, images), rules, memory)
    return predict(inputs(after, images), rules, memory)


def inputs(built: Project, images: Mapping[str, str]) -> CacheInputs:
    """What the lab knows of a project."""
    return make(
        parser.parse(built.text, built.args),
        built.context,
        build_args=built.args,
        target=built.target,
        digest=images.get,
        ignore=IGNORED,
    )


def outcome_of(kind: Kind, fresh: str, prediction: Prediction) -> tuple[Outcome | None, bool]:
    """What is predicted of the step that is asked about; whether that is only assumed."""
    at = word(kind, fresh)
    wanted = kind.probe.replace("@", at) or f"probe {at} "
    for step, foretold in zip(prediction.inputs.steps, prediction.steps, strict=True):
        keyword = {"COPY", "ADD"} if kind.probe else {"RUN"}
        if step.keyword in keyword and wanted in step.text and foretold.stage == f"s{at}":
            return foretold.outcome, foretold.assumed
    raise LookupError(kind.title)


def _stage(state: State, places: Places, asked: str) -> str:
    text = state.stage
    if not re.search(r"^FROM ", text, re.MULTILINE):
        text = f"FROM BASE AS s@\n{text}".rstrip("\n")
    if "PROBE" not in text:
        text += asked or "\nRUN PROBE"
    text = text.replace("PROBE", PROBE)
    text = text.replace("HTTP/", f"{places.http}/").replace("GIT/", f"{places.git}/")
    return text.replace("TMPFS-SIZE", places.size)


def _own(files: Mapping[str, Placed], at: str) -> dict[str, Placed]:
    """Files with content that no other kind's have."""
    return {
        path: replace(
            one,
            text=f"{one.text} {at}\n",
            tar={name: f"{text} {at}\n" for name, text in one.tar.items()},
        )
        for path, one in files.items()
    }


def _entry(placed: Placed) -> Entry:
    if placed.folder:
        return Directory(mode=placed.mode or 0o755)
    if placed.link:
        return Link(placed.link)
    return File(content(placed), mode=placed.mode or 0o644, mtime=placed.mtime, owner=placed.owner)


def _collector(kinds: Iterable[Kind], fresh: str, *, edited: bool) -> str:
    mounts, reads = [], []
    for kind in kinds:
        at = word(kind, fresh)
        # no more of a stage than is read: builders hash all that a mount shows
        source = kind.probe or _KEPT
        mounts.append(f"--mount=from=s{at},source={source},target=/m/{at}")
        if not kind.probe:
            reads.append(f"echo value {at} $(cat /m/{at}/v)")
    return f"FROM BASE\nRUN {' '.join(mounts)} : {fresh} {edited}; {'; '.join(reads)}"
