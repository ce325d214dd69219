"""Every error of the Podman client becomes one of the lab's; the adapter's pure parts."""

from __future__ import annotations

import gc
import inspect
import json

import podman.errors
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile.parser import parse
from lab.engines.podman import PodmanEngine
from lab.engines.podman_requests import build_parameters, container_spec, engine_facts, output
from lab.engines.podman_service import SDK_ERRORS, Service
from lab.engines.protocol import BuildRequest, ContainerRequest
from lab.model.errors import (
    DiskFull,
    EngineLost,
    EngineUnavailable,
    InputError,
    LabError,
    SourceError,
)

NOWHERE = "unix:///nowhere/podman.sock"
PUBLIC = [
    kind
    for name, kind in inspect.getmembers(podman.errors, inspect.isclass)
    if issubclass(kind, Exception) and not name.startswith("_")
]


def test_there_are_public_errors() -> None:
    assert {"APIError", "NotFound", "PodmanError", "StreamParseError"} <= {
        kind.__name__ for kind in PUBLIC
    }


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_public_error_of_the_client_is_translated(kind: type[Exception]) -> None:
    assert issubclass(kind, SDK_ERRORS)
    service = Service(NOWHERE)
    api = issubclass(kind, podman.errors.APIError)
    error = kind("x") if api else kind.__new__(kind)
    with pytest.raises(LabError) as caught, service.translating("answer"):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.remedy


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("x"),
        requests.exceptions.ChunkedEncodingError("Response ended prematurely"),
        urllib3.exceptions.ProtocolError("x"),
        ConnectionResetError("x"),
        BrokenPipeError("x"),
        json.JSONDecodeError("x", "", 0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_service_that_has_answered_is_lost_and_another_is_unavailable(error: Exception) -> None:
    service = Service(NOWHERE)
    with pytest.raises(EngineUnavailable), service.translating("answer"):
        raise error
    service.reached = True
    with pytest.raises(EngineLost), service.translating("answer"):
        raise error


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (404, "no such image", SourceError),
        (400, "bad parameter", InputError),
        (500, "internal", EngineLost),
        (500, "write /x: no space left on device", DiskFull),
    ],
)
def test_a_status(status: int, text: str, expected: type[LabError]) -> None:
    response = requests.Response()
    response.status_code = status
    error = podman.errors.APIError("cause", response=response, explanation=text)
    with pytest.raises(expected, match=text) as caught, Service(NOWHERE).translating("answer"):
        raise error
    assert caught.value.__cause__ is error


def test_errors_of_the_lab_pass_and_bugs_are_not_hidden() -> None:
    service = Service(NOWHERE)
    with pytest.raises(DiskFull), service.translating("answer"):
        raise DiskFull("x")
    with pytest.raises(ZeroDivisionError), service.translating("answer"):
        raise ZeroDivisionError


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # podman-py drops its socket
def test_nobody_at_the_socket() -> None:
    engine = PodmanEngine(base_url=NOWHERE, private=False)
    with pytest.raises(EngineUnavailable, match="nowhere") as caught:
        engine.facts()
    engine.close()
    del caught, engine
    gc.collect()


class Tar:
    size = 0

    def open(self) -> None: ...


def request(dockerfile: str, **more: object) -> BuildRequest:
    return BuildRequest(
        dockerfile=parse(dockerfile),
        dockerfile_path="a/Dockerfile",
        context=Tar(),
        tag="localhost/lab/x:1",
        **more,
    )


def test_the_parameters_without_which_the_cache_is_never_hit() -> None:
    found = build_parameters(request("FROM x\n", build_args={"N": 1}), nocache=False)
    assert found["outputformat"] == "application/vnd.oci.image.manifest.v1+json"
    assert (found["layers"], found["jobs"], found["forcerm"]) == ("true", "1", "true")
    assert json.loads(found["buildargs"]) == {"N": "1"}
    assert "q" not in found
    assert "nocache" not in found


@pytest.mark.parametrize("line", ['SHELL ["/bin/sh"]', "HEALTHCHECK CMD x", "ONBUILD RUN x"])
def test_what_an_oci_image_cannot_hold_is_built_as_dockers(line: str) -> None:
    found = build_parameters(request(f"FROM x\n{line}\n"), nocache=True)
    assert "docker.distribution" in found["outputformat"]
    assert found["nocache"] == "true"


def test_a_container_has_limits_and_room_to_execute() -> None:
    spec = container_spec(ContainerRequest(image="x", command=("y",), tmpfs={"/t": 5}))
    assert "size=5" in spec["mounts"][0]["options"]
    assert "exec" in spec["mounts"][0]["options"]
    assert {limit["type"] for limit in spec["r_limits"]} == {"nofile", "nproc"}


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 20))
def test_output_however_it_is_cut(pieces: list[bytes], width: int) -> None:
    sent = b"".join(b"\1\0\0\0" + len(p).to_bytes(4, "big") + p for p in pieces)
    chunks = [sent[n : n + width] for n in range(0, len(sent), width)]
    assert list(output(chunks)) == pieces


def test_facts_of_an_engine_that_says_little_are_unknown() -> None:
    facts = engine_facts({}, {}, endpoint="ssh://x/y", private=False)
    assert facts.version == ""
    assert (facts.host.kernel, facts.host.cpus, facts.host.glibc) == (None, None, None)
