"""Docker through its Engine API: BuildKit as `docker`, the first builder as `docker-classic`.

BuildKit is reached without a session, by api.post and other public names only.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lab.dockerfile.model import Dockerfile
from lab.engines import (
    buildkit,
    buildx,
    classic,
    docker_cache,
    docker_facts,
    docker_moved,
    docker_post,
    docker_remote,
    docker_run,
    docker_unpack,
    features,
    remote_caches,
    strays,
)
from lab.engines import replay as by_hand
from lab.engines.docker_client import FOREIGN, connect, translated
from lab.engines.docker_images import Images
from lab.engines.docker_stream import Decoder, parameters
from lab.engines.endpoint import Tls
from lab.engines.ledger import Ledger
from lab.engines.protocol import (
    BuildRequest,
    ContainerRequest,
    HistoryEntry,
    ImageArchive,
    ReplayRequest,
)
from lab.host.usage import Usage
from lab.model import engine_name, events
from lab.model.errors import EngineUnavailable, LabError
from lab.model.events import Event
from lab.model.record import EngineFacts, Image

LET_GO_S = 5.0


def _nothing() -> None:
    pass


def _unknown() -> None:
    return None


class DockerEngine:
    """One daemon, driven as ``docker`` or as ``docker-classic``. See lab.engines.protocol.Engine.

    ``made`` notes what is made in a user's daemon, to be removed; without it all of it stays.
    ``network`` is the namespace it works in.
    """

    simulated = False

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        private: bool,
        tls: Tls | None = None,
        on_close: Callable[[], None] = _nothing,
        made: Ledger | None = None,
        usage: Callable[[], Usage | None] = _unknown,
        network: Path | None = None,
    ) -> None:
        self.name = name
        self._network = network
        self._family = engine_name.family(name)
        self._usage = usage
        self._keep = made is None and not private
        self._url = base_url
        self._private = private
        self._on_close = on_close
        with translated(f"docker at {base_url}", EngineUnavailable):
            self._api = connect(base_url, tls)
            self._about = self._api.version()
            self._info = self._api.info()
        self._made = made or Ledger()
        containerd = docker_facts.containerd(self._info)
        self._store = Images(self._api, engine=name, containerd=containerd, made=self._made)
        self._left = self._made.inherited  # a build that nobody reads may still end
        if self._made.inherited:
            with suppress(LabError):
                self._give_back()

    def facts(self) -> EngineFacts:
        """Versions, storage and the facts of the machine that the daemon runs on."""
        return docker_facts.engine_facts(
            self._about,
            self._info,
            name=self.name,
            api=self._api.api_version,
            endpoint=self._url,
            private=self._private,
            builder="classic" if self._classic else "BuildKit",
        )

    def lacks(self, dockerfile: Dockerfile, *, cache: str = "") -> tuple[str, ...]:
        """Reasons why this daemon cannot, or must not, build the Dockerfile."""
        version = str(self._about.get("Version", ""))
        found = features.lacks(self._family, version, dockerfile)
        containerd = docker_facts.containerd(self._info)
        found += remote_caches.lacks(self.name, version, cache, containerd=containerd)
        if not self._private and not self._classic:
            found += docker_cache.foreign_mounts(dockerfile)
        return found

    def ensure(self, image: ImageArchive) -> None:
        """Make ``image.ref`` name this very image; load or pull it only where it is missing."""
        self._store.ensure(image)

    def tag(self, source: str, ref: str, *, unseen: bool = False) -> None:
        """Let ``ref`` name the image that ``source`` names, whatever it named before."""
        if unseen and not self._private and not self._classic:
            wanted = docker_moved.request(source, ref)
            docker_moved.follow(self.build(wanted), source)
            source = wanted.tag
        self._store.tag(source, ref)

    def inspect(self, ref: str) -> Image:
        """The image's id, size in bytes and number of layers."""
        return self._store.inspect(ref)

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:
        """The steps that the image was made by."""
        return self._store.history(ref)

    def export(self, ref: str) -> Iterator[bytes]:
        """The image as a docker-archive, piece by piece."""
        return self._store.export(ref)

    def build(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Build, and tell what happens as it happens. The last event is Finished."""
        if request.cold:
            self._forget()
            if self._private and not self._classic:
                with translated(f"the build cache of {self.name}"):
                    self._api.prune_builds(all=True)
        self._remember(request)
        request = docker_remote.with_keys(request)
        decoder = self._decoder(request)
        query = docker_remote.query(request) | parameters(
            request,
            version=1 if self._classic else 2,
            build_id=secrets.token_hex(16),
            no_cache=request.cold and (self._classic or not self._private),
            host_network=self._private,
        )
        finished, self._left = False, True
        held = self._reusable()
        try:
            told = self._told(request, query, decoder)
            for event in docker_unpack.exported(told, lambda: self._export_again(request, query)):
                if isinstance(event, events.ImageBuilt):
                    self._made.note("image", [event.id])
                if isinstance(decoder, classic.Decoder):
                    self._made.note("image", decoder.made)
                finished = isinstance(event, events.Finished)
                if finished and held and (left := self._reusable()) is not None:
                    yield events.Evicted(event.at, len(held - left))
                yield event
        finally:
            self._left = not finished
            if not (finished or self._classic):
                docker_post.cancel(self._api, query["buildid"])

    def save(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Push the images that carry the cache; buildx exports one while it builds."""
        yield from docker_remote.saved(self._api, request, self.build)

    @property
    def network(self) -> Path | None:
        """A private daemon has a network namespace of its own."""
        return self._network

    def _told(
        self, request: BuildRequest, query: Mapping[str, str], decoder: Decoder
    ) -> Iterator[Event]:
        remote = request.remote
        if (
            remote is None
            or remote.strategy not in remote_caches.EXPORTED
            or not isinstance(decoder, buildkit.Decoder)
        ):
            return docker_post.build(self._api, self.name, request, query, decoder)
        return buildx.build(
            buildx.program(), self._url, request, decoder, host_network=self._private
        )

    def _decoder(self, request: BuildRequest) -> classic.Decoder | buildkit.Decoder:
        if self._classic:
            return classic.Decoder(request.dockerfile, request.target)
        return buildkit.Decoder(request.dockerfile, request.target)

    def _export_again(self, request: BuildRequest, query: Mapping[str, str]) -> Iterator[Event]:
        """The same build once more, out of the cache that it filled itself."""
        cached = {name: value for name, value in query.items() if name != "nocache"}
        return docker_post.build(self._api, self.name, request, cached, self._decoder(request))

    def run(self, request: ContainerRequest) -> Generator[Event, None, None]:
        """Run a container: Log events, a BuildError where it exits non-zero, Finished at last."""
        return docker_run.run(self._api, self.name, request, self._made)

    def replay_command(self, replay: ReplayRequest) -> str:
        """By the client docker, which is told which of the two builders to take."""
        return by_hand.command("docker", replay, buildkit=not self._classic)

    def seccomp_option(self, profile: Path) -> str:
        """The profile's text."""
        return profile.read_text()

    def usage(self) -> Usage | None:
        """What a private daemon and its steps have used; a user's has others' work in it."""
        return self._usage()

    def close(self) -> None:
        """Give back all that the lab made in it; a private engine is stopped and cleared away."""
        settled = self._private
        try:
            if not self._private and not self._keep:
                with suppress(LabError):
                    settled = self._give_back()
        finally:
            self._made.close(settled=settled)
            self._api.close()
            self._on_close()

    @property
    def _classic(self) -> bool:
        return self._family == features.CLASSIC

    def _remember(self, request: BuildRequest) -> None:
        """Note what is about to be made, so that it alone is removed later."""
        self._made.note("tag", [request.tag])
        if self._private:
            return
        with translated(f"what {self.name} holds"):
            if self._classic:
                self._made.note("step", strays.steps(request.dockerfile))
                self._store.look_around()
                return
            docker_cache.remember(self._api, self._made, request.dockerfile)

    def _forget(self, *, patience_s: float = 0.0) -> bool:
        """Remove the images built so far, and of a user's cache what is provably the lab's."""
        if self._keep:
            return True
        with translated(f"what the lab made in {self.name}"):
            self._store.remove(self._made.of_kind("tag"), force=True)
            self._store.remove_unnamed(self._made.of_kind("image"))
            self._made.drop("tag", "image")
            return docker_cache.prune(self._api, self._made, patience_s=patience_s)

    def _give_back(self) -> bool:
        """Leave a user's daemon as it was found; whether it is."""
        with translated(f"what the lab made in {self.name}"):
            docker_run.remove(self._api, self._made)
            deadline = time.monotonic() + LET_GO_S
            while self._made.of_kind("held"):
                self._made.note("image", self._store.strays())
                gone = self._store.remove_unnamed(self._made.of_kind("image"))
                if gone or not self._left or time.monotonic() > deadline:
                    break
                time.sleep(0.2)  # the container of a build that was left still stands on one
            done = self._forget(patience_s=LET_GO_S)
            self._store.remove(self._made.of_kind("ref"))
            self._store.remove_unnamed(self._made.of_kind("brought"))
            return done

    def _reusable(self) -> frozenset[str] | None:
        """Steps in a user's BuildKit cache, which it may drop; a private one never does."""
        if self._private or self._classic:
            return None
        with suppress(*FOREIGN):  # a daemon that is lost is told by its build
            return docker_cache.reusable(docker_cache.records(self._api))
        return None
