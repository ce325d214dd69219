"""Docker's client buildx: it alone asks a daemon to export a cache, over a session of its own.

It speaks to the daemon's own BuildKit (driver ``docker``), takes the same tar as the plain API and
tells the same statuses, as JSON lines. Configuration and keys of the user are not read.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter

from lab.engines import archive
from lab.engines.buildkit import Decoder
from lab.engines.protobuf import Status
from lab.engines.protocol import BuildRequest, RemoteCache
from lab.engines.recorded.buildkit import from_json, image_of
from lab.host import debian, paths, temporary
from lab.host.content_cache import Cache, Say
from lab.host.process import Argument, found, tail
from lab.model import events
from lab.model.errors import MissingPrerequisite
from lab.model.events import Event

_PLUGINS = tuple(
    Path(place) / "cli-plugins/docker-buildx"
    for place in ("/usr/libexec/docker", "/usr/lib/docker", "/usr/local/lib/docker")
)
_SUITE = "sid"  # the first of Debian's with rawjson, and a cache that is an image
_NAME = f"buildx_{_SUITE}_1"
_PIECE = 1 << 18


def _silent(_: str) -> None:
    pass


def program(say: Say = _silent) -> Path:
    """This host's buildx, else Debian's, fetched once. Raises what the archive raises."""
    known = found("docker-buildx") or next((p for p in _PLUGINS if os.access(p, os.X_OK)), None)
    if known is not None:
        return known

    def make(folder: Path) -> None:
        say("fetching Debian's docker-buildx (about 20 MB, once)")
        options = ["--variant=extract", "--format=directory", "--include=docker-buildx"]
        source = archive.apt_source(_SUITE)
        debian.mmdebstrap(options, _SUITE, folder, source, what="docker-buildx")

    cache = Cache(paths.cache_dir() / "clients")
    folder = cache.folder(_NAME, make, say=say, what="docker-buildx")
    for place in _PLUGINS:
        if (path := folder / place.relative_to("/")).exists():
            return path
    raise MissingPrerequisite(
        f"Debian's docker-buildx holds no {_PLUGINS[0]}", remedy="install buildx on this host"
    )


def build(
    buildx: Path, endpoint: str, request: BuildRequest, decoder: Decoder, *, host_network: bool
) -> Iterator[Event]:
    """Build by buildx; the events are those of the plain API. Closing it early ends the client."""
    yield events.Ready(0.0)
    start = perf_counter()
    with (
        temporary.folder("buildx") as home,
        tempfile.TemporaryFile() as context,
    ):
        with request.context.open() as packed:
            while piece := packed.read(_PIECE):
                context.write(piece)
        context.seek(0)
        client = subprocess.Popen(
            [str(word) for word in _command(buildx, request, host_network=host_network)],
            env=_environment(endpoint, home),
            stdin=context,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # Ctrl-C is the lab's to handle
        )
        try:
            yield from _told(client, decoder, start)
        finally:
            if client.poll() is None:
                client.terminate()  # the daemon ends a build whose client goes away
                with suppress(subprocess.TimeoutExpired):
                    client.wait(5)
                client.kill()
            client.wait()
            if client.stderr is not None:
                client.stderr.close()
    yield events.Finished(perf_counter() - start)


def _told(client: subprocess.Popen[bytes], decoder: Decoder, start: float) -> Iterator[Event]:
    words: list[str] = []
    statuses: list[Status] = []
    for line in client.stderr or ():
        at = perf_counter() - start
        status = from_json(line, "buildx")
        if status is None:
            words.append(line.decode(errors="replace"))
            continue
        yield events.Raw(at, line.rstrip(b"\n"))
        if status.named:
            statuses.append(Status(named=status.named))
        yield from decoder.status(at, status)
    code = client.wait()
    at = perf_counter() - start
    if code == 0:
        yield from decoder.close(at)
        yield events.ImageBuilt(at, image_of(statuses) or "")
    else:
        said = tail("".join(words)) or f"buildx ended with exit code {code}"
        yield from decoder.feed(at, {"errorDetail": {"message": said}})


def _command(buildx: Path, request: BuildRequest, *, host_network: bool) -> list[Argument]:
    command: list[Argument] = [buildx, "build", "--progress=rawjson", "--provenance=false"]
    command += ["--file", request.dockerfile_path, "--tag", request.tag]
    if host_network:
        command.append("--network=host")
    if request.target is not None:
        command += ["--target", request.target]
    for option, given in (("--build-arg", request.build_args), ("--label", request.labels)):
        for name, value in given.items():
            command += [option, f"{name}={value}"]
    if request.remote is not None:
        command += _caches(request.remote)
    return [*command, "-"]


def _caches(remote: RemoteCache) -> Iterator[str]:
    kind, _, mode = remote.strategy.partition("-")
    place = remote.folder if kind == "local" else remote.repository
    names = ("src", "dest") if kind == "local" else ("ref", "ref")
    between = "/" if kind == "local" else ":"
    if remote.restore is not None:
        yield f"--cache-from=type={kind},{names[0]}={place}{between}{remote.restore}"
    if remote.save is not None:
        yield (
            f"--cache-to=type={kind},{names[1]}={place}{between}{remote.save},mode={mode or 'max'}"
        )


def _environment(endpoint: str, home: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "DOCKER_CONFIG": str(home),
        "BUILDX_CONFIG": str(home / "buildx"),
        "DOCKER_HOST": endpoint,
    }
