"""A Dockerfile that was meant, where a word names no file."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from lab.model.errors import InputError

_ALIKE = 0.8  # which "docker" and "dockerfile" are not


def absent(text: str) -> InputError | None:
    """That a word which reads as a Dockerfile's name names no file; None of any other word."""
    path, there = Path(text), list[str]()
    with suppress(OSError):
        names = (one.name for one in path.parent.iterdir() if one.is_file())
        there = sorted(name for name in names if "dockerfile" in name.lower())
    near = get_close_matches(path.name, there, n=1, cutoff=_ALIKE)
    reads_so = get_close_matches(path.name.lower(), ["dockerfile"], cutoff=_ALIKE)
    if path.is_file() or not (near or reads_so or "dockerfile" in path.name.lower()):
        return None
    remedy = f"did you mean {path.parent / near[0]}?" if near else "name a Dockerfile by its path"
    return InputError(f"there is no file {text}", remedy=remedy)
