"""The text of Docker's first builder turned into events (POST /build?version=1).

Every instruction is a step, ARGs before the first FROM included; all are done one after another.
There are no times in it: a step lasts from its line to the next step's, on the client's clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lab.dockerfile.model import Dockerfile
from lab.model import events
from lab.model.events import Event, Outcome

_STEP = re.compile(r"Step (\d+)/\d+ : (\w+)[^\n]*")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]+)\n?")
_REMOVED = re.compile(r"(?: ---> Removed|Removing) intermediate container ([0-9a-f]+)\n?")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12,64})\n?")
_BUILT = re.compile(r"Successfully built ([0-9a-f]+)\n?")


class Decoder:
    """Takes the messages of one build in their order.

    ``made`` holds the ids of the images that this build made, those between steps included.
    """

    def __init__(self, dockerfile: Dockerfile, target: str | None = None) -> None:  # noqa: ARG002 (alike)
        self._instructions = dockerfile.instructions
        self.made: set[str] = set()
        self._number = 0
        self._open: int | None = None
        self._hit = False
        self._container: str | None = None
        self._image: str | None = None

    def feed(self, at: float, message: Mapping[str, Any]) -> Iterator[Event]:
        """What one message tells. Messages of an unknown kind, as of pulls, tell nothing."""
        text, aux = message.get("stream"), message.get("aux")
        if isinstance(text, str):
            yield from self._text(at, text)
        elif isinstance(aux, Mapping) and isinstance(aux.get("ID"), str):
            self._image = aux["ID"]
            yield from self._end(at)  # the end of a stage
        detail = message.get("errorDetail")
        error = detail.get("message") if isinstance(detail, Mapping) else message.get("error")
        if error:
            code = detail.get("code") if isinstance(detail, Mapping) else None
            yield from self._end(at, error=str(error))
            yield events.BuildError(at, str(error), code if isinstance(code, int) else None)

    def close(self, at: float) -> Iterator[Event]:  # noqa: ARG002 (the same for every decoder)
        """The end of the stream brings nothing more."""
        return iter(())

    def _text(self, at: float, text: str) -> Iterator[Event]:
        if self._container is not None:
            # Only the end of the very container ends its output: whatever else looks like the
            # builder's own words was printed by the step.
            removed = _REMOVED.fullmatch(text)
            if removed is None or removed[1] != self._container:
                yield events.Log(at, self._open, text.encode())
                return
            self._container = None
        elif (step := _STEP.fullmatch(text)) and int(step[1]) == self._number + 1:
            yield from self._end(at)
            self._number += 1
            self._hit = False
            place = self._number - 1
            # Labels given by the API are steps too, after the target's last instruction.
            if (
                place < len(self._instructions)
                and self._instructions[place].keyword == step[2].upper()
            ):
                self._open = place
                yield events.StepStarted(at, self._open, at)
        elif running := _RUNNING.fullmatch(text):
            self._container = running[1]
        elif text.strip() == "---> Using cache":
            self._hit = True
        elif image := _IMAGE.fullmatch(text):
            if not self._hit and not self._is_from():
                self.made.add(image[1])
        elif built := _BUILT.fullmatch(text):
            yield from self._end(at)
            yield events.ImageBuilt(at, self._image or built[1])
        elif text.startswith("[Warning]"):
            yield events.Note(at, text.strip())

    def _is_from(self) -> bool:
        return self._open is not None and self._instructions[self._open].keyword == "FROM"

    def _end(self, at: float, error: str = "") -> Iterator[Event]:
        step, self._open, self._container = self._open, None, None
        if step is None:
            return
        instruction = self._instructions[step]
        outcome: Outcome | None = Outcome.HIT if self._hit else Outcome.MISS
        if error:
            outcome = Outcome.FAILED
        if instruction.keyword == "FROM" or instruction.stage is None:
            outcome = None  # triggers of the base run here, and an ARG makes nothing
        yield events.StepEnded(at, step, at, outcome, error)
