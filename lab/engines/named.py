"""Engines as command lines and programs name them: with an endpoint, or with a version. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lab.engines import REAL
from lab.model.engine_name import parse
from lab.model.errors import InputError


def endpoints(named: Sequence[str]) -> Mapping[str, str]:
    """NAME[=ENDPOINT] options by name; an empty address means: find it."""
    found = dict(value.partition("=")[::2] for value in named)
    for name in found:
        parse(name)
    return found


def engine_versions(named: Sequence[str]) -> list[tuple[str, str]]:
    """NAME[@VERSION] options, which an earlier lab wrote NAME=VERSION; every real engine where none
    is named.
    """
    found = [value.partition("=")[::2] for value in named] or [(name, "") for name in REAL]
    for name, version in found:
        parse(name)
        if version and not re.fullmatch(r"v?\d+(\.\d+)*", version):
            raise InputError(f"{version!r} is no version of {name}", remedy="write podman@4.3.1")
    return found


def one_engine(named: Sequence[str]) -> tuple[str, str]:
    """The engine of a verb that has use for one alone; docker where none is named."""
    found = engine_versions(named or ["docker"])
    if len(found) > 1:
        raise InputError("one engine at a time", remedy="name --engine once, and call it again")
    return found[0]
