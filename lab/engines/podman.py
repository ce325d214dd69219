"""The engine ``podman``, behind Podman's own (libpod) API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.engines import features, remote_caches, strays
from lab.engines import replay as by_hand
from lab.engines.json_stream import decoded, messages
from lab.engines.ledger import Ledger
from lab.engines.podman_images import Images
from lab.engines.podman_requests import (
    build_parameters,
    cache_parameters,
    container_spec,
    engine_facts,
    output,
)
from lab.engines.podman_service import SDK_ERRORS, Service, reason
from lab.engines.podman_stream import Decoder
from lab.engines.protocol import (
    Archive,
    BuildRequest,
    ContainerRequest,
    HistoryEntry,
    ImageArchive,
    ReplayRequest,
)
from lab.host.cgroups import Group
from lab.host.usage import Usage
from lab.model.errors import LabError
from lab.model.events import (
    BuildError,
    ContextSent,
    Event,
    Finished,
    ImageBuilt,
    Log,
    Lost,
    Note,
    Raw,
    Ready,
)
from lab.model.record import EngineFacts, Image

_PIECE = 1 << 18
LET_GO_S = 10.0
_JSON = {"Content-Type": "application/json"}
_FOREIGN = (
    "steps were taken from images that podman held before the lab came: "
    "with --private it holds nothing but what was measured"
)


class PodmanEngine:
    """Podman at one endpoint. See lab.engines.protocol for what each call does.

    ``cache_mounts`` is the TMPDIR of a private service: buildah keeps the content of cache mounts
    in it, outside of its storage, and a cold build must not find it. ``made`` notes what is made
    in a user's service, to be removed; without it all of it stays.
    """

    simulated = False

    def __init__(
        self,
        *,
        name: str = features.PODMAN,
        base_url: str,
        private: bool,
        on_close: Callable[[], None] = lambda: None,
        cache_mounts: Path | None = None,
        made: Ledger | None = None,
        usage: Callable[[], Usage | None] = lambda: None,
    ) -> None:
        self.name = name
        self._usage = usage
        self._private, self._on_close = private, on_close
        self._keep = made is None and not private
        self._facts: EngineFacts | None = None
        self._service = Service(base_url)
        self._made = made or Ledger()
        self._images = Images(
            self._service, private=private, cache_mounts=cache_mounts, made=self._made
        )
        self._left = self._made.inherited  # a build may go on that nobody reads any more
        if self._made.inherited:
            with suppress(LabError):
                self._give_back()

    def facts(self) -> EngineFacts:
        if self._facts is None:
            self._facts = engine_facts(
                self._service.json("GET", "/version"),
                self._service.json("GET", "/info"),
                endpoint=self._service.endpoint,
                private=self._private,
                name=self.name,
            )
        return self._facts

    def lacks(self, dockerfile: Dockerfile, *, cache: str = "") -> tuple[str, ...]:
        version = self.facts().version
        found = features.lacks(features.PODMAN, version, dockerfile)
        return found + remote_caches.lacks(self.name, version, cache, containerd=None)

    def ensure(self, image: ImageArchive) -> None:
        self._images.ensure(image)

    def tag(self, source: str, ref: str, *, unseen: bool = False) -> None:
        del unseen  # every cold build forgets what was built
        self._images.tag(source, ref)

    def inspect(self, ref: str) -> Image:
        return self._images.inspect(ref)

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:
        return self._images.history(ref)

    def export(self, ref: str) -> Iterator[bytes]:
        return self._images.export(ref)

    def build(self, request: BuildRequest) -> Generator[Event, None, None]:
        try:
            decoder = Decoder(request.dockerfile, request.target, remote=request.remote is not None)
        except DockerfileError as error:  # the target is no stage
            yield BuildError(0.0, str(error))
            yield Finished(0.0)
            return
        if request.cold:
            self._images.forget()
        self._images.look_around()
        self._made.note("step", strays.steps(request.dockerfile))
        self._made.note("name", [request.tag])
        self._left = True
        parameters = build_parameters(request, nocache=request.cold and not self._private)
        if request.remote is not None:
            parameters |= cache_parameters(request.remote, self.facts().version)
        if (group := self._group()) is not None and group.version == "v2":
            # In v1 steps are below the service's own group; v2 lets runtimes put them elsewhere.
            parameters["cgroupparent"] = group.steps
        body: Any = _Body(request.context)
        yield Ready(0.0)
        started = time.monotonic()
        response = None
        try:
            response = self._service.upload("/build", parameters, body)
            yield from body.sent(started)
            if response.status_code >= 400:
                yield BuildError(time.monotonic() - started, reason(response))
            else:
                yield from self._decoded(response, decoder, started)
        except SDK_ERRORS as error:
            if not body.begun:
                raise self._service.translated(error, "build") from error
            yield Lost(time.monotonic() - started, f"podman stopped answering: {error}")
        finally:
            self._made.note("image", decoder.made)
            if response is not None:
                response.close()
        self._left = False
        yield Finished(time.monotonic() - started)

    def _decoded(self, response: Any, decoder: Decoder, started: float) -> Iterator[Event]:
        ended = False
        for data in messages(response.iter_content(None)):
            at = time.monotonic() - started
            message = decoded(data)
            yield Raw(at, data)
            for event in decoder.feed(at, message):
                ended = ended or isinstance(event, ImageBuilt | BuildError)
                self._made.note("image", decoder.made)
                yield event
        at = time.monotonic() - started
        yield from decoder.close(at)
        if self._images.foreign(decoder.made, decoder.reused):
            yield Note(at, _FOREIGN)
        if not ended:
            yield Lost(at, "podman's answer ended before it told how the build went")

    def save(self, request: BuildRequest) -> Generator[Event, None, None]:
        del request  # each step's image was pushed while it was built
        yield Finished(0.0)

    @property
    def network(self) -> None:
        """It works in the host's."""

    def run(self, request: ContainerRequest) -> Generator[Event, None, None]:
        service = self._service
        with service.translating("make a container"):
            spec = container_spec(request)
            if (group := self._group()) is not None:
                spec["cgroup_parent"] = group.steps  # else below one that all podmans share
            body = json.dumps(spec)
            made = service.call("POST", "/containers/create", data=body, headers=_JSON)
            self._made.note("container", [made.json()["Id"]])
            place = f"/containers/{made.json()['Id']}"
        started = time.monotonic()
        try:
            with service.translating("run a container"):
                service.call("POST", f"{place}/start")
                kinds = {"follow": "true", "stdout": "true", "stderr": "true"}
                logs = service.call("GET", f"{place}/logs", kinds, stream=True)
                for data in output(logs.iter_content(None)):
                    yield Log(time.monotonic() - started, None, data)
                code = int(service.call("POST", f"{place}/wait").text)
            if code != 0:
                at = time.monotonic() - started
                yield BuildError(at, f"the container ended with exit code {code}", code)
        finally:
            with service.translating("remove a container"):
                service.call("DELETE", place, {"force": "true", "v": "true"}, ok=(404,))
        yield Finished(time.monotonic() - started)

    def replay_command(self, replay: ReplayRequest) -> str:
        return by_hand.command("podman", replay)

    def seccomp_option(self, profile: Path) -> str:
        return str(profile.absolute())  # a place on the machine of the service

    def usage(self) -> Usage | None:
        return self._usage()

    def _group(self) -> Group | None:
        used = self._usage()
        return None if used is None else used.group

    def close(self) -> None:
        settled = self._private
        try:
            if not self._private and not self._keep and self._service.reached:
                self._give_back()
                settled = not self._left
        finally:
            self._made.close(settled=settled)
            self._service.close()
            self._on_close()

    def _give_back(self) -> None:
        """Leave a user's service as it was found; a RUN that goes on is waited for a little."""
        for container in self._made.of_kind("container"):
            with self._service.translating("remove a container"):
                place = f"/containers/{container}"
                self._service.call("DELETE", place, {"force": "true", "v": "true"}, ok=(404,))
        deadline = time.monotonic() + LET_GO_S
        while self._left and time.monotonic() < deadline:
            # Both at a time can fail: what the service itself clears away is gone in between.
            with suppress(LabError):
                self._left = self._images.busy() or not self._images.forget(everything=True)
            time.sleep(0.1 if self._left else 0)
        self._images.forget(everything=True)


class _Body:
    """A build context on its way: handed on in large pieces, and its end noted."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.begun = False
        self.ended: float | None = None

    def __len__(self) -> int:
        return self._archive.size

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        with self._archive.open() as reader:
            while piece := reader.read(_PIECE):
                yield piece
        self.ended = time.monotonic()

    def sent(self, started: float) -> Iterator[Event]:
        if self.ended is not None:
            yield ContextSent(self.ended - started, len(self))
