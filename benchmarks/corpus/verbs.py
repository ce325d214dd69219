"""Every Dockerfile of a folder through predict, explain --between, replay and advise."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import made_up
from lab.cli.main import main
from lab.dockerfile.context import Context
from lab.dockerfile.entries import chunks
from lab.dockerfile.model import DockerfileError
from lab.model.errors import InputError

ENGINES = ("docker@20.10", "docker@28", "podman@4.3", "podman@5.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a verb said of a Dockerfile: its exit code, its words, and a traceback if there was."""

    verb: str
    code: int
    words: str
    traceback: str = ""


def answers(text: str) -> Iterator[Answer]:
    """What the four verbs say, each asked as a user does."""
    with tempfile.TemporaryDirectory(prefix="lab-corpus-") as name:
        folder = Path(name)
        made = _context(text)
        for place in ("before", "after"):
            _write(folder / place, text, made, edited=place == "after")
        _history(folder / "repo", text, made)
        engines = [word for engine in ENGINES for word in ("--engine", engine)]
        before, after = (str(folder / place / "Dockerfile") for place in ("before", "after"))
        edits = [word for path in _edited(made) for word in ("--edit", path)]
        yield _asked("predict", [before, *engines, *edits])
        yield _asked("explain", ["--between", before, after, *engines])
        yield _asked("advise", [before, "--engine", ENGINES[1]])
        yield _asked("replay", ["--repo", str(folder / "repo"), *engines])


def _context(text: str) -> Context:
    try:
        return made_up.context(text)
    except (DockerfileError, InputError):
        return Context.of_files({"README.md": "one"})


def _edited(made: Context) -> list[str]:
    """The files that change: two of them will do."""
    files = (path for path, entry in made.entries.items() if entry.kind == "file")
    return sorted(path for path in files if not path.startswith((".docker", "zz-", "Dockerfile")))[
        :2
    ]


def _write(folder: Path, text: str, made: Context, *, edited: bool) -> None:
    """The context with its Dockerfile; ``edited``: with another content of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, entry in made.entries.items():
        if entry.kind == "file":
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"".join(chunks(entry.data)) + (b" two" if edited else b""))
    (folder / "Dockerfile").write_bytes(text.encode())


def _history(folder: Path, text: str, made: Context) -> None:
    """A repository of two commits, the second with other contents."""
    _git(folder.parent, "init", "-q", "-b", "main", str(folder))
    for number in (0, 1):
        _write(folder, text, made, edited=bool(number))
        _git(folder, "add", "-A", "-f")
        who = ("-c", "user.name=corpus", "-c", "user.email=corpus@localhost")
        _git(folder, *who, "commit", "-q", "-m", f"commit {number}")


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def _asked(verb: str, words: Sequence[str]) -> Answer:
    out = io.StringIO()
    code: object = 0
    found = ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main([verb, *words])
        except SystemExit as end:
            code = end.code
        except Exception:  # noqa: BLE001 - the benchmark counts them
            found = traceback.format_exc()
    return Answer(
        verb=verb, code=code if isinstance(code, int) else 1, words=out.getvalue(), traceback=found
    )
