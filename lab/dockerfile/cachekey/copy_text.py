"""A COPY or ADD as builders tell it apart (docs/cache-matrix.md)."""

from __future__ import annotations

import json
import posixpath
from contextlib import suppress
from functools import lru_cache

_BY_CONTENT = {"exclude", "checksum"}  # what they do is seen in what is added


@lru_cache(maxsize=4096)
def plain(text: str, unseen: frozenset[str] = frozenset(), *, one_slash: bool = False) -> str:
    """COPY or ADD with its flags in order, without the ``unseen`` ones, and its paths in their
    shortest form.
    """
    keyword, *words = text.split()
    unseen |= {"from"}  # what it names is a part of the key by itself
    flags = [word for word in words if word.startswith("--") and _name(word) not in unseen]
    *sources, last = _paths(text, words) or [""]
    place = _path(last, one_slash=one_slash) + ("/" if last.endswith("/") else "")
    cleaned = [_path("/" + word, one_slash=True) if "://" not in word else word for word in sources]
    return " ".join([keyword, *sorted(flags), *cleaned, place])


@lru_cache(maxsize=4096)
def by_what_it_adds(text: str) -> str:
    """COPY or ADD as podman keys it: where its content goes, and what flags make of that.

    Of several sources their order counts, of one not even its name; of here-documents the text.
    """
    head, _, body = text.partition("\n")
    keyword, *words = head.split()
    flags = [word for word in words if word.startswith("--")]
    kept = [one for one in flags if _name(one) not in _BY_CONTENT and one != "--chown=0:0"]
    *sources, last = _paths(head, words) or [""]
    read = [] if len(sources) == 1 and "://" not in sources[0] else sources
    named = [_path("/" + word, one_slash=True) for word in read if not word.startswith("<<")]
    return "\n".join((" ".join([keyword, *sorted(kept), *named, _place(last)]), body))


def _place(word: str) -> str:
    return _path(word, one_slash=False) + ("/" if word.endswith("/") else "")


def _paths(text: str, words: list[str]) -> list[str]:
    """The words that are no flags, of a JSON list too."""
    _, bracket, rest = text.partition(" [")
    if bracket:
        with suppress(ValueError):
            return [str(word) for word in json.loads(f"[{rest}")]
    return [word for word in words if not word.startswith("--")]


def _path(word: str, *, one_slash: bool) -> str:
    found = posixpath.normpath(word)
    return "/" + found.lstrip("/") if one_slash and found.startswith("//") else found


def _name(flag: str) -> str:
    return flag.removeprefix("--").partition("=")[0]
