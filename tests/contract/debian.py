"""Debian suites as the tests use them: bootstrapped once into the lab's cache."""

from __future__ import annotations

from functools import cache

from lab.images.opened import Opened, opened

SUITES = ("bullseye", "bookworm", "trixie", "sid")


@cache
def image(name: str) -> Opened:
    return opened(name, say=lambda _: None)
