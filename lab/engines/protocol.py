"""What every engine is to the rest of the lab. It meets no scenario, no record store, no report."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from lab.dockerfile.model import Dockerfile
from lab.host.usage import Usage
from lab.model.events import Event
from lab.model.record import EngineFacts, Image


class Archive(Protocol):
    """A build context as a tar, uncompressed: its size in bytes and a fresh reader of it."""

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArchive:
    """A base or toolchain image as the lab holds it: the same bytes for every engine.

    ``path`` is a docker-archive tar (manifest.json, config, layers) with an image tagged ``ref``
    in it; others that it holds are loaded at the same time. ``id`` is the image's config digest,
    "sha256:...". A registry's image has no path: the engine pulls ``ref`` itself.
    """

    ref: str
    id: str | None
    path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCache:
    """Where a build's cache comes from and where it is left, by one of remote_cache.STRATEGIES.

    ``repository`` is HOST:PORT/NAME as the engine names it, without a tag; ``restore`` and ``save``
    are tags in it, None where nothing is taken or left; ``source`` is the phase that saved what is
    taken. ``folder`` holds caches that are files, one
    for each tag.
    """

    strategy: str
    repository: str
    folder: Path
    restore: str | None = None
    source: str | None = None
    save: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One call of the build API.

    ``dockerfile`` is the parsed form of the file named ``dockerfile_path`` in ``context``.
    ``cold`` asks that nothing be taken from the cache; what that needs beforehand (forgetting what
    was built) happens before the clock starts. ``traceparent`` is told to engines that take it: a
    daemon that exports traces hangs its own below that span.
    """

    dockerfile: Dockerfile
    dockerfile_path: str
    context: Archive
    tag: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cold: bool = False
    remote: RemoteCache | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRequest:
    """One container: run ``command`` in ``image`` with tmpfs at the given places, then remove it.

    ``tmpfs`` gives for each mount point its size in bytes; programs in it may be executed.
    """

    image: str
    command: tuple[str, ...]
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """A build to be repeated by hand: what is loaded and named before it, and what it is given.

    ``tags`` are pairs of an image's ref and the ref that it gets; ``context`` is the tar to send.
    """

    images: tuple[Path, ...]
    tags: tuple[tuple[str, str], ...]
    dockerfile_path: str
    context: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A step of an image's history in its builder's words, and the bytes of the layer it left."""

    created_by: str
    size_bytes: int | None = None


class Engine(Protocol):
    """A builder behind an API.

    ``simulated``: nothing of it is real. It takes any name for an image and has no processes.

    Raises only lab.model.errors: EngineUnavailable when it cannot be reached, EngineLost when it
    stops answering, DiskFull, SourceError where an image cannot be had. A build that fails is no
    error: the events say so.
    """

    name: str
    simulated: bool

    def facts(self) -> EngineFacts:
        """Versions, storage and the facts of the machine that the engine runs on."""

    def lacks(self, dockerfile: Dockerfile, *, cache: str = "") -> tuple[str, ...]:
        """Reasons why this engine cannot do what the Dockerfile asks; empty when it can.

        ``cache``: the strategy by which builds on a fresh engine are given a cache.
        """

    def ensure(self, image: ImageArchive) -> None:
        """Make ``image.ref`` name this very image; loads or pulls it only where it is missing."""

    def tag(self, source: str, ref: str, *, unseen: bool = False) -> None:
        """Let ``ref`` name the image that ``source`` names, whatever it named before.

        ``unseen``: an image on top of it, of which the cache can have nothing, where what an
        earlier round built may still be there.
        """

    def build(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Build, and tell what happens as it happens. The last event is Finished.

        Ready comes before the clock starts, in a build that gets so far. Closing the iterator early
        stops the build as far as the engine can.
        """

    def save(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Leave the cache of a build that has just succeeded where ``request.remote`` says.

        An engine that writes it while it builds has nothing left to do. The last event is Finished.
        """

    @property
    def network(self) -> Path | None:
        """The network namespace in which the engine reaches its registries; None: the host's."""

    def run(self, request: ContainerRequest) -> Generator[Event, None, None]:
        """Run a container: Log events, a BuildError where it exits non-zero, Finished at last."""

    def inspect(self, ref: str) -> Image:
        """The image's id, size in bytes and number of layers."""

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:
        """The steps that the image was made by, the oldest first; none where nobody keeps them."""

    def export(self, ref: str) -> Iterator[bytes]:
        """The image as a docker-archive, piece by piece. Raises SourceError where it has none."""

    def replay_command(self, replay: ReplayRequest) -> str:
        """The shell commands that repeat a build with the engine's own client."""

    def seccomp_option(self, profile: Path) -> str:
        """What the engine's API takes for this seccomp profile: its text, or its place."""

    def usage(self) -> Usage | None:
        """What the engine and its steps have used so far; None where others use it as well."""

    def close(self) -> None:
        """Give back all that the lab made in it; a private engine is stopped and cleared away."""
