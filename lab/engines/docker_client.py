"""The docker package: imported here and nowhere else, and its exceptions translated."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import docker.errors
import docker.tls
import requests
import urllib3.exceptions

from lab.engines.endpoint import Tls
from lab.model.errors import DiskFull, EngineLost, EngineUnavailable, LabError, SourceError

MAX_API = (1, 51)  # 1.52 and later drop fields that are read here from /system/df and events
FOREIGN = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
NOT_FOUND = docker.errors.NotFound
REFUSED = docker.errors.APIError


def connect(base_url: str, tls: Tls | None) -> Any:
    """A client of the lab's own, at the newest API version that both sides know.

    It is untyped: the daemon's answers are plain JSON and become types where they are read.
    """
    if base_url.startswith("unix://"):
        # Asked here first: the package leaves its socket open where nobody answers.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(base_url.removeprefix("unix://"))
    certificates: docker.tls.TLSConfig | bool = False
    if tls is not None:
        pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
        ca = str(tls.ca) if tls.ca else None
        certificates = docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=tls.verify)
    client = docker.APIClient(base_url, version="auto", tls=certificates, timeout=600)
    if _numbers(client.api_version) <= MAX_API:
        return client
    least = str(client.version().get("MinAPIVersion") or "")
    client.close()
    version = pinned(client.api_version, least)
    return docker.APIClient(base_url, version=version, tls=certificates, timeout=600)


def pinned(newest: str, least: str) -> str:
    """The API version to speak with a daemon that knows ``least`` to ``newest``.

    Nothing newer than what is read here, but never less than what the daemon still takes.
    """
    wanted = min(_numbers(newest), MAX_API)
    return ".".join(map(str, max(wanted, _numbers(least))))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


@contextmanager
def translated(what: str, kind: type[LabError] = EngineLost) -> Iterator[None]:
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


def check(message: Mapping[str, Any], ref: str) -> None:
    """Raise what a message of a load or a pull says went wrong."""
    text = message.get("error")
    if text:
        if "no space left on device" in str(text).lower():
            raise DiskFull(f"{ref}: {text}", remedy="free space where the engine keeps its images")
        raise missing(ref, str(text))


def missing(ref: str, text: str) -> SourceError:
    """An image that cannot be had."""
    return SourceError(
        f"{ref} cannot be had: {text}",
        remedy="is a registry in reach? A base can also be a suite or an archive",
    )
