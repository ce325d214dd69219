"""What a rewrite is."""

from __future__ import annotations

from dataclasses import dataclass

ALL_TOGETHER = "all together"  # the kind of what makes several rewrites one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A changed Dockerfile, or .dockerignore, and why. Its gain is for others to find.

    ``alters`` says how the image could come out otherwise; empty: it cannot, as far as a Dockerfile
    and its context can tell. ``caution``: what to check before. ``measured``: no prediction can see
    the gain, only builds can. ``engines``: those that know what it uses; empty: all.
    """

    kind: str
    why: str
    dockerfile: str
    ignore: str | None = None
    caution: str = ""
    alters: str = ""
    measured: bool = False
    engines: tuple[str, ...] = ()
