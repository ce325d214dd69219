"""A moved base that no build has stood on, for a BuildKit whose cache is not the lab's to empty.

What a round before built on the moved base is still there, in part: of what a record of that cache
describes it cannot always be told who made it. So the base gets a file of its own on top.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines.protocol import BuildRequest
from lab.model import events
from lab.model.errors import EngineLost, SourceError

PLACE = "/etc/imagelab-moved-here"


def request(source: str, ref: str) -> BuildRequest:
    """The build of an image on ``source``; its tag is a name beside ``ref``."""
    text = f"FROM {source}\nCOPY moved {PLACE}\n"
    files = {"Dockerfile": text, "moved": f"This base moved: {secrets.token_hex(16)}\n"}
    return BuildRequest(
        dockerfile=parser.parse(text),
        dockerfile_path="Dockerfile",
        context=Context.of_files(files).archive(),
        tag=f"{ref}-top",
    )


def follow(told: Iterable[events.Event], source: str) -> None:
    """See such a build to its end. Raises SourceError or EngineLost where it has none."""
    for event in told:
        if isinstance(event, events.Lost):
            raise EngineLost(event.message, remedy="see whether the daemon still runs")
        if isinstance(event, events.BuildError):
            raise SourceError(
                f"the moved twin of {source} cannot be made: {event.message}",
                remedy="take an engine of the lab's own: --private",
            )
