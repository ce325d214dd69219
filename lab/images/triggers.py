"""The triggers (ONBUILD) that base images bring, read out of their settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.dockerfile.triggers import Triggers
from lab.model.errors import InputError


def triggers(named: Iterable[str]) -> Triggers:
    """By reference the triggers of each ``REFERENCE=IMAGE``, an image being an archive, or
    docker:NAME or podman:NAME.

    Raises InputError for another form, and what `opened` raises.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in named:
        reference, equals, image = text.partition("=")
        if not (reference and equals and image):
            raise InputError(
                f"{text!r} names no base and its image",
                remedy="write REFERENCE=IMAGE, as node:onbuild=docker:node:onbuild",
            )
        # Here, for it needs packages that a CI job which only predicts does not install.
        from lab.images.opened import opened

        found[reference] = of(opened(image, say=lambda _: None).settings)
    return found


def of(settings: Any) -> tuple[str, ...]:
    """The triggers that an image's settings hold, in their order."""
    return tuple(str(one) for one in settings.get("OnBuild") or ())
