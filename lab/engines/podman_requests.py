"""What Podman's API is asked, and what its answers mean: pure, without a connection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.engines.features import parse_version
from lab.engines.protocol import BuildRequest, ContainerRequest, RemoteCache
from lab.host import facts
from lab.model.record import EngineFacts, HostFacts

# Without a full media type buildah never takes anything from its cache
# (buildah@v1.28.2 imagebuildah/stage_executor.go).
_OCI = "application/vnd.oci.image.manifest.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_ONLY_DOCKER_KEEPS = frozenset({"HEALTHCHECK", "ONBUILD", "SHELL"})
_LIMITED = ("nofile", "nproc")
_LIMIT = 8192


def build_parameters(request: BuildRequest, *, nocache: bool) -> dict[str, str]:
    """The query of ``POST /libpod/build``.

    The image is OCI's, but Docker's where the Dockerfile has an instruction that OCI images
    cannot hold: Podman would leave it out with a warning.
    """
    keywords = {instruction.keyword for instruction in request.dockerfile.instructions}
    found = {
        "dockerfile": request.dockerfile_path,
        "t": request.tag,
        "outputformat": _DOCKER if keywords & _ONLY_DOCKER_KEEPS else _OCI,
        "layers": "true",
        "jobs": "1",  # output of parallel stages carries no stage
        "rm": "true",
        "forcerm": "true",  # else a failed build leaves a container that holds disk
        "rusage": "true",  # the engine's own measure of each step
        "networkmode": "NetworkDefault",
    }
    if request.target is not None:
        found["target"] = request.target
    if request.build_args:
        found["buildargs"] = json.dumps({k: str(v) for k, v in request.build_args.items()})
    if request.labels:
        found["labels"] = json.dumps(dict(request.labels))
    if nocache:
        found["nocache"] = "true"
    return found


def cache_parameters(remote: RemoteCache, version: str) -> dict[str, str]:
    """What asks for a remote cache, which is a repository: each step is an image tagged by its key.

    4.3 takes a bare name, and passes over a list without a word; 5.4 and later want a JSON list,
    and refuse a bare name (podman 4.3.1, 5.4.2, 5.8.6).
    """
    listed = parse_version(version) >= (5,)
    name = json.dumps([remote.repository]) if listed else remote.repository
    found = {"tlsVerify": "false"}  # on loopback, by plain HTTP
    if remote.restore is not None:
        found["cachefrom"] = name
    if remote.save is not None:
        found["cacheto"] = name
    return found


def container_spec(request: ContainerRequest) -> dict[str, Any]:
    """The body of ``POST /libpod/containers/create``.

    Limits are given because a service without CAP_SYS_RESOURCE cannot raise its own to Podman's
    defaults; these any service can give. The network is the host's, as it is
    in a build.
    """
    return {
        "image": request.image,
        "command": list(request.command),
        "entrypoint": [],
        "env": dict(request.environment),
        "labels": dict(request.labels),
        "netns": {"nsmode": "host"},
        "r_limits": [{"type": kind, "soft": _LIMIT, "hard": _LIMIT} for kind in _LIMITED],
        "mounts": [
            {
                "type": "tmpfs",
                "source": "tmpfs",
                "destination": place,
                "options": ["rw", "exec", "nosuid", "nodev", f"size={size}", "mode=1777"],
            }
            for place, size in request.tmpfs.items()
        ],
    }


def output(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A container's output out of its log stream: frames of 4 bytes of kind and 4 of length."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            end = 8 + int.from_bytes(buffer[4:8], "big")
            if len(buffer) < end:
                break
            if end > 8:
                yield bytes(buffer[8:end])
            del buffer[:end]


def engine_facts(
    version: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    endpoint: str,
    private: bool,
    name: str = "podman",
) -> EngineFacts:
    """Facts out of ``/libpod/version`` and ``/libpod/info``; what they lack is empty."""
    about = info.get("host") or {}
    store = info.get("store") or {}
    runtime = (about.get("ociRuntime") or {}).get("name")
    buildah = about.get("buildahVersion")
    storage = str(store.get("graphRoot") or "")
    local = facts.is_here(
        endpoint, kernel=about.get("kernel"), hostname=about.get("hostname"), storage=storage
    )
    return EngineFacts(
        name=name,
        version=str(version.get("Version") or ""),
        api=str(_libpod_api(version) or version.get("ApiVersion") or ""),
        endpoint=endpoint,
        private=private,
        storage=str(store.get("graphDriverName") or ""),
        builder=" ".join(
            part for part in (f"buildah {buildah}" if buildah else "", runtime) if part
        ),
        host=facts.facts(Path(storage)) if local else _host_facts(about, store),
        local=local,
    )


def _libpod_api(version: Mapping[str, Any]) -> str | None:
    for component in version.get("Components") or ():
        if component.get("Name") == "Podman Engine":
            return (component.get("Details") or {}).get("APIVersion")
    return None


def _host_facts(about: Mapping[str, Any], store: Mapping[str, Any]) -> HostFacts:
    """What a service on another machine says of that."""
    status = store.get("graphStatus") or {}
    return HostFacts(
        kernel=about.get("kernel"),
        cpus=about.get("cpus"),
        memory_bytes=about.get("memTotal"),
        cgroup=facts.told_cgroup(about.get("cgroupVersion")),
        filesystem=facts.told_filesystem(status.get("Backing Filesystem")),
    )
