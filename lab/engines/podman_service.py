"""The connection to one Podman service; the only module that imports podman-py.

The client's own ``images.build`` returns after the end of a build and cannot ask for all that a
measurement needs, so its public ``api`` session is used, on Podman's own (libpod) endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from subprocess import SubprocessError
from typing import Any

import requests
import urllib3
from podman import PodmanClient
from podman import errors as sdk

from lab.engines.json_stream import StreamError
from lab.model.errors import (
    DiskFull,
    EngineLost,
    EngineUnavailable,
    InputError,
    LabError,
    SourceError,
)

# All that a call can raise; tests/unit/test_podman_errors.py holds it against podman.errors.
SDK_ERRORS: tuple[type[Exception], ...] = (
    sdk.DockerException,
    sdk.APIError,
    sdk.StreamParseError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    StreamError,
    SubprocessError,  # the client starts ssh for a tunnel
    OSError,
)
_TRANSLATED: tuple[type[Exception], ...] = (*SDK_ERRORS, ValueError)
_TAR = {"Content-Type": "application/x-tar"}


class Service:
    """One Podman service. ``reached``: it has answered at least once."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.reached = False
        with self.translating("be reached"):
            self._client: Any = PodmanClient(base_url=endpoint)

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        ok: tuple[int, ...] = (),
        **options: Any,
    ) -> Any:
        """The response of one call. Raises SDK_ERRORS, also for a status >= 400 not in ``ok``."""
        response = self._method(method)(path, params=params, **options)
        self.reached = True
        if response.status_code not in ok:
            response.raise_for_status()
        return response

    def json(self, method: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON. Raises lab.model.errors."""
        with self.translating("answer"):
            return self.call(method, path, params).json()

    def upload(self, path: str, params: Mapping[str, str] | None, body: Any) -> Any:
        """Send a tar; the response is a stream, of any status."""
        response = self._client.api.post(path, params=params, data=body, headers=_TAR, stream=True)
        self.reached = True
        return response

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _method(self, method: str) -> Any:
        api = self._client.api
        return {"GET": api.get, "POST": api.post, "DELETE": api.delete}[method]

    @contextmanager
    def translating(self, doing: str) -> Iterator[None]:
        """The one place where the SDK's errors become the lab's."""
        try:
            yield
        except LabError:
            raise
        except _TRANSLATED as error:
            raise self.translated(error, doing) from error

    def translated(self, error: Exception, doing: str) -> LabError:
        """What an error means to the user."""
        response = getattr(error, "response", None)
        if response is not None:
            text = str(getattr(error, "explanation", None) or error)
        else:
            text = str(_root(error))
        if "no space left on device" in text.lower():
            return DiskFull(
                f"podman could not {doing}: {text}", remedy="free space where podman stores images"
            )
        if response is not None:
            status = getattr(response, "status_code", None) or 500
            kind = SourceError if status == 404 else InputError if status < 500 else EngineLost
            return kind(f"podman could not {doing}: {text}", remedy="see the service's own log")
        if self.reached:
            return EngineLost(
                f"podman at {self.endpoint} stopped answering ({text})",
                remedy="see the service's own log",
            )
        return EngineUnavailable(
            f"podman does not answer at {self.endpoint} ({text})",
            remedy="start `podman system service`, or take a private engine with --private",
        )


def reason(response: Any) -> str:
    """What an answer of a status >= 400 says."""
    try:
        body = response.json()
        return str(body.get("message") or body.get("cause") or body)
    except (ValueError, AttributeError):
        return str(response.text)


def _root(error: BaseException) -> BaseException:
    """The first cause: the client wraps what the system said in several errors of its own."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
