"""A remote cache's part in one build: what its engine told, and what passed between the two."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from lab.engines import registry_contents
from lab.engines.protocol import BuildRequest, Engine, RemoteCache
from lab.engines.registry_log import Requests
from lab.host.relay import Passed
from lab.model import events
from lab.model.events import CacheMoved, Event
from lab.model.remote_cache import SILENT, Remote, Stored
from lab.runner.fresh import Place

_SETTLE_S = 0.05  # the registry writes a request down after it has answered it


class Moves:
    """Takes a build's events; ``save`` is called once where it succeeded, ``result`` at last."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._inside: list[CacheMoved] = []
        self._after: list[CacheMoved] = []
        self._stored: Stored | None = None
        self._before = place.relay.passed() if place.relay else Passed()
        if place.registry is not None:
            place.registry.log.more()

    def add(self, event: Event) -> None:
        """Take one event of the build."""
        if isinstance(event, CacheMoved):
            self._inside.append(event)

    def save(self, engine: Engine, request: BuildRequest) -> None:
        """Leave the cache where the request says, after the build's own clock has stopped."""
        if request.remote is None or request.remote.save is None:
            return
        with closing(engine.save(request)) as told:
            self._after += (event for event in told if isinstance(event, CacheMoved))

    def result(self) -> Remote | None:
        """What is known of it; None where the build was given no remote cache."""
        place, remote = self._place, self._place.remote
        if remote is None:
            return None
        found = [*self._inside, *self._after]
        failures = [_failure(event) for event in found if event.error]
        out = [event for event in self._after if event.out]
        written = out or [event for event in self._inside if event.out]
        made = Remote(
            strategy=remote.strategy,
            restored=remote.restore is not None,
            saved=remote.save is not None,
            source=remote.source,
            import_s=_seconds([event for event in self._inside if not event.out]),
            export_s=_seconds(written),
            export_inside=not out,
            failures=tuple(dict.fromkeys(failures)),
        )
        if remote.strategy == "local":
            return replace(made, stored=self._written(remote))
        if place.relay is None or place.registry is None:
            return made
        passed = place.relay.passed().since(self._before)
        asked = self._asked()
        name = remote.repository.partition("/")[2]
        return replace(
            made,
            failures=(*made.failures, *_unsaid(made, asked)),
            down_bytes=passed.down,
            up_bytes=passed.up,
            blobs_down=asked.blobs_got,
            blobs_up=asked.blobs_put,
            blobs_missing=asked.blobs_missing,
            requests=asked.requests,
            stored=registry_contents.in_registry(f"unix://{place.registry.socket}", name)
            if place.whole
            else None,
        )

    def _written(self, remote: RemoteCache) -> Stored | None:
        """The folder that was saved last: it is what a job would carry to the next."""
        if remote.save is None or not (remote.folder / remote.save).is_dir():
            return None
        return registry_contents.in_folder(remote.folder / remote.save)

    def _asked(self) -> Requests:
        registry = self._place.registry
        if registry is None:
            return Requests()
        time.sleep(_SETTLE_S)
        return registry.log.more()


def _unsaid(made: Remote, asked: Requests) -> Iterator[str]:
    """What the registry's own log has of the reading, where the engine says nothing of it."""
    if not made.restored or any(text.startswith("import: ") for text in made.failures):
        return
    if made.strategy not in SILENT:
        return
    if asked.requests == 0:
        yield "import: no request reached the registry: it does not answer"
    elif asked.refused:
        yield f"import: the registry answered 401 or 403 to {asked.refused} requests"
    elif asked.failed:
        yield f"import: the registry answered 5xx (500 or above) to {asked.failed} requests"


def _failure(event: CacheMoved) -> str:
    return f"{'export' if event.out else 'import'}: {event.error}"


def _seconds(moves: list[events.CacheMoved]) -> float | None:
    """How long any of them went on; None where there is none."""
    total, end = 0.0, float("-inf")
    for one in sorted(moves, key=lambda one: one.started):
        total += max(0.0, one.ended - max(one.started, end))
        end = max(end, one.ended)
    return total if moves else None
