"""Which run a user means: ``latest``, ``latest~1``, an id, a name, a branch or a commit.

What is said of runs here is read from their heads alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError
from lab.results import index
from lab.results.heads import Head, head, heads, ordered
from lab.results.index import RUN_FILE

LATEST = "latest"
SHOWN = 5  # candidates of an error
_BACK = re.compile(r"(.+)~(\d{1,6})")
_COMMIT = re.compile(r"[0-9a-f]{4,64}")


def names(results: Path) -> list[str]:
    """The folders of the runs in a results folder, sorted by name: by their start in UTC."""
    return list(index.signs(results))


def find(ref: str | Path, results: Path, *, beside: Path | None = None) -> Path:
    """The folder of the run that ``ref`` names.

    A folder of a run, ``latest``, an id or the beginning of one, a name that ``--name`` gave, a
    branch or the beginning of a commit: these two name their newest run that has come to its end;
    ``beside`` another run, the newest other one of that one's scenario. ``X~2`` is the run two
    before. Raises InputError with the candidates where there is none such, or more than one.
    """
    others = [] if beside is None else [head(beside)]
    return _exact(ref, results) or _among(str(ref), heads(results), results, others).folder


def find_each(refs: Sequence[str], results: Path) -> list[Path]:
    """The folders of several runs that belong together: beside those that are named otherwise, a
    branch or a commit names its newest other run of their scenario.

    Raises InputError as `find` does.
    """
    exact = {ref: _exact(ref, results) for ref in refs}
    if None not in exact.values():
        return [folder for ref in refs if (folder := exact[ref]) is not None]
    known = heads(results)
    firm = [
        _among(ref, known, results, ()) if (folder := exact[ref]) is None else head(folder)
        for ref in refs
        if exact[ref] is not None or not _meant(_parts(ref)[0], known, ()).among
    ]
    return [exact[ref] or _among(ref, known, results, firm).folder for ref in refs]


def find_among(ref: str, folders: Sequence[Path], results: Path) -> Path | None:
    """Which of these runs ``ref`` names: None where it is none of them, or not known which."""
    exact = _exact(ref, results)
    if exact is not None:
        return next((one for one in folders if one.resolve() == exact.resolve()), None)
    try:
        return _among(ref, ordered(map(head, folders)), results, ()).folder
    except InputError:
        return None


def _exact(ref: str | Path, results: Path) -> Path | None:
    """The run whose folder or whole id this is."""
    text, folder = str(ref), Path(ref)
    if text == LATEST:
        return None
    if (folder / RUN_FILE).is_file():
        return folder
    inside = results / text
    return inside if text and "/" not in text and (inside / RUN_FILE).is_file() else None


def _parts(text: str) -> tuple[str, int | None]:
    """``X~2`` as X and 2."""
    back = _BACK.fullmatch(text)
    return (back[1], int(back[2])) if back else (text, None)


def _among(text: str, known: Sequence[Head], results: Path, beside: Sequence[Head]) -> Head:
    if not known:
        raise InputError(
            f"no run {text!r}: there are no runs in {results}",
            remedy="make one with `lab run --dockerfile Dockerfile`, or name its folder with "
            "--results",
        )
    meant = _meant(_parts(text)[0], known, beside)
    return _one(meant, text, known, results)


@dataclass(frozen=True, slots=True)
class _Meant:
    """The runs that a word can mean, oldest first; ``newest``: it means the last of them.

    ``among`` says which they are, of a branch or a commit: those that ended may be none.
    """

    runs: Sequence[Head]
    newest: bool = False
    among: str = ""


def _meant(text: str, known: Sequence[Head], beside: Sequence[Head]) -> _Meant:
    if text == LATEST:
        # A run without builds has nothing to show, but where there is no other it can be resumed.
        return _Meant([one for one in known if one.built] or list(known), newest=True)
    if not text:
        return _Meant([])
    if named := [one for one in known if one.name == text]:
        return _Meant(named)
    ended, of = _ended(known, beside)
    if any(one.origin.branch == text for one in known):
        on_it = [one for one in ended if one.origin.branch == text]
        return _Meant(on_it, True, f"{of} of branch {text}")
    return _begun(text, known, ended, of)


def _begun(text: str, known: Sequence[Head], ended: Sequence[Head], of: str) -> _Meant:
    """The runs whose id begins so, or the newest of the one commit that does."""
    begun = [one for one in known if one.folder.name.startswith(text)]
    commits = {commit for one in known for commit in _commits(one, text)}
    if begun or len(commits) != 1:  # ambiguous, but for one run
        return _Meant([one for one in known if one in begun or _commits(one, text)])
    of_it = [one for one in ended if _commits(one, text)]
    return _Meant(of_it, True, f"{of} of commit {commits.pop()}")


def _ended(known: Sequence[Head], beside: Sequence[Head]) -> tuple[list[Head], str]:
    """The runs that came to their end, of the scenario of those ``beside`` where that is one and
    without them, and what such a run is called.
    """
    taken = {one.folder.resolve() for one in beside}
    ended = [one for one in known if one.finished and one.folder.resolve() not in taken]
    scenarios = {one.scenario for one in beside}
    if len(scenarios) == 1:
        ended = [one for one in ended if one.scenario in scenarios]
        return ended, f"other run of scenario {min(scenarios)!r}"
    return ended, "other run" if beside else "run"


def _commits(one: Head, text: str) -> list[str]:
    """The run's commits that begin so."""
    return [commit for commit in one.commits if _COMMIT.fullmatch(text) and commit.startswith(text)]


def _one(meant: _Meant, text: str, known: Sequence[Head], results: Path) -> Head:
    """The run that is meant. Raises InputError where that is none, or not known which."""
    found = meant.runs
    base, back = _parts(text)
    if found and (len(found) == 1 or meant.newest or back is not None):
        if len(found) <= (back or 0):
            raise InputError(
                f"{text!r} goes back too far: {base!r} names {len(found)} of the runs in {results}",
                remedy=f"{base}~{len(found) - 1} is the oldest of them",
            )
        return found[-1 - (back or 0)]
    if found:
        raise InputError(
            f"{text!r} names more than one run in {results}",
            remedy=f"{text}~0 is the newest; or one of: {_listed(found)}",
        )
    if meant.among:
        raise InputError(
            f"no {meant.among} in {results} has come to its end with builds",
            remedy=f"run the scenario there, or name one of: {_listed(known)}",
        )
    near = difflib.get_close_matches(base, _callable(known), n=SHOWN, cutoff=0.5)
    raise InputError(
        f"{text!r} names no run in {results}",
        remedy=f"one of: {', '.join(near) or _listed(known)}; or a branch, a commit, latest~1",
    )


def _callable(known: Sequence[Head]) -> list[str]:
    """All that runs are called by, the newest first."""
    called = ((one.folder.name, one.name, one.origin.branch) for one in reversed(known))
    return list(dict.fromkeys(word for words in called for word in words if word))


def _listed(found: Sequence[Head]) -> str:
    return ", ".join(one.said for one in found[: -SHOWN - 1 : -1])
