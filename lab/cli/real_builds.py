"""Engines and bases for commands that really build what they predicted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from lab.cli.output import say

if TYPE_CHECKING:
    from lab.engines.protocol import Engine
    from lab.images.sources.types import Base


def base(suite: str | None) -> Base | None:
    """--base SUITE: bootstrapped, or found where it was before."""
    from lab.images.sources import base_images
    from lab.images.sources.types import BaseSource

    if suite is None:
        return None
    source = BaseSource(kind="suite", value=suite, name=suite, sha256=None)
    return base_images.base(source, say=progress)


@contextmanager
def engine(name: str, base: Base | None, *, private: bool) -> Iterator[Engine]:
    """An engine that has the base."""
    from lab.engines import open_engine

    with closing(open_engine(name, private=private, say=progress)) as opened:
        if base is not None:
            opened.ensure(base.image)
        yield opened


def progress(text: str) -> None:
    """What goes on meanwhile, on standard error."""
    say(text, on_error=True)
