"""A fault of containerd's image store, and the way round it.

Docker with that store now and then ends a build whose steps all went well with "parent snapshot
does not exist", while it unpacks the image (github.com/moby/buildkit/issues/6521, seen on 28.5.2
and reported of 29). The same request again takes every step from the cache and only exports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from lab.model import events
from lab.model.events import Event

_FAULT = re.compile(
    r"failed to prepare extraction snapshot .* parent snapshot \S+ does not exist", re.DOTALL
)
_ATTEMPTS = 3
NOTE = "Docker's containerd store failed to unpack the image; it was exported again"


def exported(told: Iterator[Event], again: Callable[[], Iterator[Event]]) -> Iterator[Event]:
    """A build's events; where the store lost a snapshot, the image comes from the same ``again``.

    Of the repeated request only the image is told, or what else went wrong: its steps are hits of
    what this very build made. The build's time goes on until the image is there.
    """
    for attempt in range(_ATTEMPTS):
        fault: events.BuildError | None = None
        for event in told:
            if isinstance(event, events.BuildError) and _FAULT.search(event.message):
                fault = event
            elif fault is None or not isinstance(event, events.Finished):
                yield event
            elif attempt + 1 == _ATTEMPTS:
                yield fault
                yield event
            else:
                yield events.Note(event.at, NOTE)
                told = _of_the_image(again(), event.at)
        if fault is None:
            return


def _of_the_image(told: Iterator[Event], start: float) -> Iterator[Event]:
    for event in told:
        match event:
            case events.ImageBuilt() | events.BuildError() | events.Lost() | events.Finished():
                yield replace(event, at=start + event.at)
            case _:
                pass
