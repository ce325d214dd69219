"""Bases that a command line names for a Dockerfile: what a scenario's ``bases`` say of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from lab.images import names
from lab.model.errors import InputError
from lab.scenario.axes import base_name
from lab.scenario.field_types import Reference

_FILES = (".tar", ".tgz", ".gz", ".xz", ".zst")  # a registry's image is not called so
_REFERENCE = re.compile(get_args(Reference)[1].pattern)


def entries(given: Sequence[str], instead: Mapping[str, str]) -> dict[str, object]:
    """Each base's entry by the name that was given it; ``instead`` says what stands for some.

    Raises InputError of what names no base.
    """
    found: dict[str, object] = {}
    for text in given:
        image = instead.get(text)
        found[text] = _entry(text if image is None else image)
        if image is not None:
            found[text] = {"local": image, "name": base_name(text)}
    values = Counter(map(base_name, found.values()))
    for text, entry in found.items():
        if values[base_name(entry)] > 1 and isinstance(entry, dict):  # one name in two folders
            found[text] = entry | {"name": base_name(text)}
    return found


def _entry(text: str) -> object:
    if names.held(text) is not None or Path(text).exists():
        return {"local": text}
    meant, suite = names.meant(text), names.suite(text)
    if meant is None and suite is not None and (suite[1] or suite[0] in names.SUITES):
        return text
    if re.search("[:/@]", text) and _REFERENCE.fullmatch(text) and not text.endswith(_FILES):
        return text  # which the engine pulls
    raise InputError(
        f"there is no base {text!r}",
        remedy=f"did you mean {meant}?"
        if meant
        else f"name {names.FORMS}, or an image of a registry with its tag",
    )
