"""Docker through its Engine API: BuildKit as `docker`, the first builder as `docker-classic`.

The docker package is imported here and nowhere else; its exceptions are translated in
``_translated``. How BuildKit is reached without a session: api.post with public names only.
"""

from __future__ import annotations

import json
import platform
import secrets
import socket
import tarfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import docker
import docker.errors
import docker.tls
import requests
import urllib3.exceptions

from lab import events, host
from lab.dockerfile import Dockerfile
from lab.engines import buildkit, classic, docker_cache, features
from lab.engines.docker_stream import Body, parameters, read
from lab.engines.endpoint import Tls
from lab.engines.protocol import BuildRequest, ContainerRequest, ImageArchive
from lab.errors import DiskFull, EngineLost, EngineUnavailable, LabError, SourceError
from lab.events import Event
from lab.record import EngineFacts, HostFacts, Image

MAX_API = (1, 51)  # 1.52 and later drop fields that are read here from /system/df and events
FOREIGN = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)


def _nothing() -> None:
    pass


class DockerEngine:
    """One daemon, driven as ``docker`` or as ``docker-classic``. See lab.engines.protocol.Engine.

    ``keep`` leaves what was made in a user's daemon; a private one is always cleared away.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        private: bool,
        tls: Tls | None = None,
        on_close: Callable[[], None] = _nothing,
        keep: bool = False,
    ) -> None:
        self.name = name
        self.keep = keep
        self._url = base_url
        self._private = private
        self._on_close = on_close
        with _translated(f"docker at {base_url}", EngineUnavailable):
            self._api: Any = _client(base_url, tls)
            self._about = self._api.version()
            self._info = self._api.info()
        self._refs: set[str] = set()
        self._built: set[str] = set()
        self._images: set[str] = set()
        self._before: frozenset[str] | None = None
        self._endings: frozenset[str] = frozenset()

    def facts(self) -> EngineFacts:
        """Versions, storage and the facts of the machine that the daemon runs on."""
        driver = str(self._info.get("Driver", "unknown"))
        return EngineFacts(
            name=self.name,
            version=str(self._about.get("Version", "unknown")),
            api=self._api.api_version,
            endpoint=self._url,
            private=self._private,
            storage=f"{driver} (containerd)" if self._containerd else driver,
            builder="classic" if self._classic else "BuildKit",
            host=self._host(),
        )

    def lacks(self, dockerfile: Dockerfile) -> tuple[str, ...]:
        """Reasons why this daemon cannot, or must not, build the Dockerfile."""
        found = features.lacks(self.name, str(self._about.get("Version", "")), dockerfile)
        if not self._private and not self._classic:
            found += docker_cache.foreign_mounts(dockerfile)
        return found

    def ensure(self, image: ImageArchive) -> None:
        """Make ``image.ref`` name this very image; load or pull it only where it is missing."""
        with _translated(f"{image.ref} in {self.name}"):
            found = self._inspect(image.ref)
            if image.path is None:
                if found is None:
                    self._pull(image.ref)
                return
            if found is not None and self._is(found, image, image.path):
                return
            self._refs.add(image.ref)
            if image.id is not None and self._inspect(image.id) is not None:
                self.tag(image.id, image.ref)
                return
            with image.path.open("rb") as file:
                for message in self._api.load_image(Body(file, image.path.stat().st_size)):
                    _check(message, image.ref)
            found = self._inspect(image.ref)
            if found is None or not self._is(found, image, image.path):
                raise SourceError(
                    f"{image.path} was loaded into {self.name}, but {image.ref} is another image",
                    remedy="remove the archive from the lab's cache: it is made anew",
                )

    def tag(self, source: str, ref: str) -> None:
        """Let ``ref`` name the image that ``source`` names, whatever it named before."""
        repository, _, tag = ref.rpartition(":")
        self._refs.add(ref)
        with _translated(f"{source} in {self.name}"):
            self._api.tag(source, repository, tag, force=True)

    def build(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Build, and tell what happens as it happens. The last event is Finished."""
        if request.cold:
            self._forget()
            if self._private and not self._classic:
                with _translated(f"the build cache of {self.name}"):
                    self._api.prune_builds(all=True)
        self._remember(request)
        decoder: classic.Decoder | buildkit.Decoder
        decoder = (classic if self._classic else buildkit).Decoder(
            request.dockerfile, request.target
        )
        build_id = secrets.token_hex(16)
        query = parameters(
            request,
            version=1 if self._classic else 2,
            build_id=build_id,
            no_cache=request.cold and (self._classic or not self._private),
        )
        finished = False
        try:
            for event in self._post_build(request, query, decoder):
                if isinstance(event, events.ImageBuilt):
                    self._images.add(event.id)
                finished = isinstance(event, events.Finished)
                yield event
        finally:
            if isinstance(decoder, classic.Decoder):
                self._images |= decoder.made
            elif not finished:
                self._cancel(build_id)

    def run(self, request: ContainerRequest) -> Generator[Event, None, None]:
        """Run a container: Log events, a BuildError where it exits non-zero, Finished at last."""
        start = perf_counter()
        with _translated(f"a container of {request.image} in {self.name}"):
            tmpfs = {place: f"size={size},exec" for place, size in request.tmpfs.items()}
            container = self._api.create_container(
                request.image,
                list(request.command),
                environment=dict(request.environment),
                labels=dict(request.labels),
                host_config=self._api.create_host_config(tmpfs=tmpfs),
            )["Id"]
        try:
            with _translated(f"a container of {request.image} in {self.name}"):
                # Attached before it starts: nothing it prints is missed, whatever the log driver.
                output = self._api.attach(container, stream=True, logs=True)
                self._api.start(container)
                for data in output:
                    yield events.Log(perf_counter() - start, None, data)
                code = int(self._api.wait(container)["StatusCode"])
            if code != 0:
                message = f"{' '.join(request.command)}: exit code {code}"
                yield events.BuildError(perf_counter() - start, message, code)
            yield events.Finished(perf_counter() - start)
        except EngineLost as error:
            yield events.Lost(perf_counter() - start, error.message)
            yield events.Finished(perf_counter() - start)
        finally:
            with suppress(*FOREIGN):
                self._api.remove_container(container, v=True, force=True)

    def inspect(self, ref: str) -> Image:
        """The image's id, size in bytes and number of layers."""
        with _translated(f"{ref} in {self.name}"):
            found = self._api.inspect_image(ref)
        return Image(
            id=found["Id"],
            size_bytes=found.get("Size"),
            layers=len((found.get("RootFS") or {}).get("Layers") or ()),
        )

    def close(self) -> None:
        """Give back all that the lab made in it; a private engine is stopped and cleared away."""
        try:
            if not self._private and not self.keep:
                with suppress(LabError):
                    self._forget()
                    self._remove(self._refs)
        finally:
            self._api.close()
            self._on_close()

    @property
    def _classic(self) -> bool:
        return self.name == features.CLASSIC

    @property
    def _containerd(self) -> bool:
        status = self._info.get("DriverStatus") or ()
        return any("io.containerd.snapshotter" in str(line) for line in status)

    def _host(self) -> HostFacts:
        info = self._info
        here = (
            self._url.startswith("unix://")
            and info.get("KernelVersion") == platform.release()
            and info.get("Name") == socket.gethostname()
        )
        local = host.facts(Path(info.get("DockerRootDir", "/"))) if here else HostFacts()
        version, driver = info.get("CgroupVersion"), info.get("CgroupDriver")
        return HostFacts(
            kernel=info.get("KernelVersion"),
            glibc=local.glibc,
            cpu_model=local.cpu_model,
            cpus=info.get("NCPU"),
            memory_bytes=info.get("MemTotal"),
            cgroup=f"v{version} ({driver})" if version and driver else None,
            filesystem=local.filesystem,
        )

    def _post_build(
        self, request: BuildRequest, query: Mapping[str, str], decoder: Any
    ) -> Iterator[Event]:
        start = perf_counter()
        try:
            with request.context.open() as file:
                body = Body(file, request.context.size)
                response = self._api.post(
                    f"{self._api.base_url}/v{self._api.api_version}/build",
                    params=query,
                    data=body,
                    headers={"Content-Type": "application/x-tar"},
                    stream=True,
                )
            try:
                sent = (body.sent or perf_counter()) - start
                yield events.ContextSent(sent, request.context.size)
                if response.status_code == requests.codes.ok:
                    yield from read(response.iter_content(None), decoder, start)
                else:
                    text = _reason(response)
                    yield events.BuildError(perf_counter() - start, text)
            finally:
                response.close()  # of a response that is read to its end the connection stays
        except FOREIGN as error:
            yield events.Lost(perf_counter() - start, f"{self.name} stopped answering: {error}")
        yield events.Finished(perf_counter() - start)

    def _cancel(self, build_id: str) -> None:
        # Closing the socket ends the build too; this tells the daemon even through a proxy.
        with suppress(*FOREIGN):
            self._api.post(
                f"{self._api.base_url}/v{self._api.api_version}/build/cancel",
                params={"id": build_id},
                timeout=5,
            )

    def _remember(self, request: BuildRequest) -> None:
        """Note what is about to be made, so that it alone is removed later."""
        self._built.add(request.tag)
        if self._private or self._classic:
            return
        self._endings |= docker_cache.texts(request.dockerfile)
        if self._before is None:
            with _translated(f"the build cache of {self.name}"):
                self._before = frozenset(str(record["ID"]) for record in self._cache())

    def _forget(self) -> None:
        """Remove the images built so far, and of a user's cache what is provably the lab's."""
        if self.keep and not self._private:
            return
        with _translated(f"what the lab made in {self.name}"):
            self._remove(self._built)
            for image in self._images:
                found = self._inspect(image)
                if found is not None and not found.get("RepoTags"):
                    self._remove({image})
            self._images.clear()
            if self._before is None:
                return
            for record in docker_cache.own_records(self._cache(), self._before, self._endings):
                self._api.prune_builds(filters={"id": record}, all=True)

    def _remove(self, refs: set[str]) -> None:
        for ref in refs:
            with suppress(docker.errors.APIError):  # gone already, or in use by somebody else
                self._api.remove_image(ref, force=ref in self._built)
        refs.clear()

    def _cache(self) -> list[dict[str, Any]]:
        return list(self._api.df().get("BuildCache") or ())

    def _inspect(self, ref: str) -> dict[str, Any] | None:
        try:
            return dict(self._api.inspect_image(ref))
        except docker.errors.NotFound:
            return None

    def _is(self, found: Mapping[str, Any], image: ImageArchive, path: Path) -> bool:
        if found["Id"] == image.id:
            return True
        if not self._containerd and image.id is not None:
            return False
        # The containerd store names an image by its manifest, which the archive does not hold.
        config = _archive_config(path)
        same_layers = found["RootFS"].get("Layers") == config["rootfs"]["diff_ids"]
        labels = (config.get("config") or {}).get("Labels") or {}
        return same_layers and ((found.get("Config") or {}).get("Labels") or {}) == labels

    def _pull(self, ref: str) -> None:
        repository, _, tag = ref.rpartition(":")
        if not repository or "/" in tag:
            repository, tag = ref, "latest"
        self._refs.add(ref)
        try:
            for message in self._api.pull(repository, tag, stream=True, decode=True):
                _check(message, ref)
        except docker.errors.APIError as error:
            raise _missing(ref, error.explanation or str(error)) from error


def _client(base_url: str, tls: Tls | None) -> docker.APIClient:
    """A client of its own for the lab, at the newest API version that both sides know."""
    certificates: docker.tls.TLSConfig | bool = False
    if tls is not None:
        pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
        ca = str(tls.ca) if tls.ca else None
        certificates = docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=tls.verify)
    client = docker.APIClient(base_url, version="auto", tls=certificates, timeout=600)
    newest = tuple(int(part) for part in client.api_version.split("."))
    if newest <= MAX_API:
        return client
    client.close()
    pinned = ".".join(str(part) for part in MAX_API)
    return docker.APIClient(base_url, version=pinned, tls=certificates, timeout=600)


@contextmanager
def _translated(what: str, kind: type[LabError] = EngineLost) -> Iterator[None]:
    """The docker package's exceptions as the lab's: the one place where that is done."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, what, kind) from error


def translate(error: Exception, what: str, kind: type[LabError] = EngineLost) -> LabError:
    """The lab's error for an exception of the docker package or of what it stands on."""
    text = str(getattr(error, "explanation", None) or error)
    if "no space left on device" in text.lower():
        return DiskFull(f"{what}: {text}", remedy="free space where the engine keeps its images")
    if isinstance(error, docker.errors.NotFound):
        return SourceError(f"{what}: {text}", remedy="name an image that is there")
    if "Permission denied" in text:
        return EngineUnavailable(
            f"{what}: {text}", remedy="be root or in the socket's group, or take --private"
        )
    remedy = "is the daemon running? `lab doctor` tells; --private starts one of the lab's own"
    return kind(f"{what}: {text}", remedy=remedy)


def _check(message: Mapping[str, Any], ref: str) -> None:
    text = message.get("error")
    if text:
        if "no space left on device" in str(text).lower():
            raise DiskFull(f"{ref}: {text}", remedy="free space where the engine keeps its images")
        raise _missing(ref, str(text))


def _missing(ref: str, text: str) -> SourceError:
    return SourceError(
        f"{ref} cannot be had: {text}",
        remedy="is a registry in reach? A base can also be a suite or an archive",
    )


def _reason(response: requests.Response) -> str:
    with suppress(ValueError, AttributeError):
        return str(response.json().get("message") or response.text)
    return response.text


def _archive_config(path: Path) -> dict[str, Any]:
    with tarfile.open(path, "r:") as tar:
        manifest = tar.extractfile("manifest.json")
        name = json.load(manifest)[0]["Config"] if manifest else ""
        config = tar.extractfile(name)
        return dict(json.load(config)) if config else {}
