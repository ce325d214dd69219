"""Docker's adapter without a daemon: its errors, its requests, answers that break off."""

from __future__ import annotations

import inspect
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests
import urllib3.exceptions

from lab.dockerfile.parser import parse
from lab.engines import classic, docker_post
from lab.engines.docker import DockerEngine
from lab.engines.docker_client import FOREIGN, pinned, translate, translated
from lab.engines.docker_images import Images
from lab.engines.docker_stream import Body, parameters, read
from lab.engines.ledger import Ledger
from lab.engines.protocol import BuildRequest, ImageArchive
from lab.model.errors import DiskFull, EngineLost, EngineUnavailable, LabError, SourceError
from lab.model.events import BuildError, Finished, ImageBuilt, Lost, Raw

PUBLIC = [
    kind
    for _, kind in inspect.getmembers(docker.errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == "docker.errors"
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_package_is_handled(kind: type[Exception]) -> None:
    assert issubclass(kind, FOREIGN)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (docker.errors.ImageNotFound("no such image"), SourceError),
        (docker.errors.DockerException("gone"), EngineLost),
        (docker.errors.StreamParseError("torn"), EngineLost),
        (requests.ConnectionError("gone"), EngineLost),
        (urllib3.exceptions.ProtocolError("gone"), EngineLost),
        (ConnectionResetError("gone"), EngineLost),
        (docker.errors.APIError("write /x: no space left on device"), DiskFull),
        (docker.errors.DockerException("Permission denied"), EngineUnavailable),
    ],
)
def test_errors_are_the_labs_and_chained(error: Exception, kind: type[LabError]) -> None:
    assert isinstance(translate(error, "x"), kind)
    with pytest.raises(kind) as caught, translated("x"):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.remedy


def test_no_daemon_is_told_with_its_endpoint(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/none.sock"
    with pytest.raises(EngineUnavailable, match=r"none\.sock"):
        DockerEngine(name="docker", base_url=url, private=False)


@pytest.mark.parametrize(
    ("newest", "least", "spoken"),
    [
        ("1.41", "1.12", "1.41"),  # 20.10
        ("1.51", "1.24", "1.51"),  # 28.5
        ("1.55", "1.40", "1.51"),  # 29.7: newer ones leave out fields that are read here
        ("1.70", "1.60", "1.60"),  # a daemon that takes nothing so old any more
        ("1.54", "", "1.51"),
    ],
)
def test_an_api_version_that_both_sides_know_is_spoken(
    newest: str, least: str, spoken: str
) -> None:
    assert pinned(newest, least) == spoken


def test_the_body_notes_when_it_was_handed_over() -> None:
    body = Body(io.BytesIO(b"x" * 600_000), 600_000)
    blocks = iter(body)
    assert len(body) == sum(map(len, [next(blocks), next(blocks), next(blocks)]))
    assert body.sent is None
    assert list(blocks) == []
    assert body.sent is not None


class _Archive:
    size = 3

    def open(self) -> io.BytesIO:
        return io.BytesIO(b"tar")


def test_the_query_of_a_build() -> None:
    request = BuildRequest(
        dockerfile=parse("FROM x\n"),
        dockerfile_path="d/Dockerfile",
        context=_Archive(),
        tag="localhost/lab/t:1",
        target="a",
        build_args={"A": '"&x'},
        labels={"l": "1"},
    )
    found = parameters(request, version=2, build_id="b", no_cache=True, host_network=True)
    assert found["nocache"] == "1"
    assert json.loads(found["buildargs"]) == {"A": '"&x'}
    assert (found["target"], found["dockerfile"]) == ("a", "d/Dockerfile")
    assert "nocache" not in parameters(
        request, version=2, build_id="b", no_cache=False, host_network=False
    )


def _read(*chunks: bytes) -> list[object]:
    return list(read(chunks, classic.Decoder(parse("FROM x\nRUN y\n")), 0.0))


def test_an_answer_that_breaks_off_is_a_lost_engine() -> None:
    events = _read(b'{"stream":"Step 1/2 : FROM x"}\r\n{"stream":"Step')
    assert isinstance(events[0], Raw)
    assert isinstance(events[-1], Lost)


def test_an_answer_with_an_image_or_an_error_is_whole() -> None:
    built = _read(b'{"stream":"Successfully built abc\\n"}\r\n')
    assert isinstance(built[-1], ImageBuilt)
    failed = _read(b'{"errorDetail":{"message":"no space left on device"}}')
    assert isinstance(failed[-1], BuildError)
    assert failed[-1].message == "no space left on device"


class _Refusing:
    """A client whose daemon answers 400, or dies."""

    base_url, api_version = "http+docker://localhost", "1.41"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def post(self, *_: object, data: Body | None = None, **__: object) -> requests.Response:
        if self.error:
            raise self.error
        for _block in data or ():
            pass
        response = requests.Response()
        response.status_code = 400
        response.raw = io.BytesIO(b'{"message":"dockerfile parse error line 2"}')
        return response


def _events(api: object) -> Iterator[object]:
    request = BuildRequest(
        dockerfile=parse("FROM x\n"), dockerfile_path="D", context=_Archive(), tag="t:1"
    )
    return docker_post.build(api, "docker", request, {}, classic.Decoder(request.dockerfile))


def test_a_refused_build_failed_and_says_why() -> None:
    _ready, _sent, error, finished = _events(_Refusing())
    assert isinstance(error, BuildError)
    assert error.message == "dockerfile parse error line 2"
    assert isinstance(finished, Finished)


@pytest.mark.parametrize("error", [requests.ConnectionError("x"), OSError("x")])
def test_a_daemon_that_dies_is_lost_not_raised(error: Exception) -> None:
    _ready, lost, finished = _events(_Refusing(error))
    assert isinstance(lost, Lost)
    assert isinstance(finished, Finished)


class _Containerd:
    """A daemon with the containerd store: the ids of its images are in no archive."""

    def __init__(self, known: dict[str, dict[str, Any]]) -> None:
        self.known, self.held, self.loads = known, dict[str, dict[str, Any]](), 0

    def inspect_image(self, ref: str) -> dict[str, Any]:
        if ref not in self.held:
            raise docker.errors.ImageNotFound("no such image")
        return self.held[ref]

    def load_image(self, _body: Body) -> list[dict[str, str]]:
        self.loads += 1
        self.held |= self.known
        return [{"stream": f"Loaded image: {ref}"} for ref in self.known]


def test_an_archive_of_two_images_is_loaded_once(tmp_path: Path) -> None:
    configs: dict[str, dict[str, Any]] = {
        ref: {"config": {"Labels": {"l": ref}}, "rootfs": {"diff_ids": diff_ids}}
        for ref, diff_ids in {"a:1": ["sha256:1"], "a:1-moved": ["sha256:1", "sha256:2"]}.items()
    }
    manifest = [{"Config": f"{ref}.json", "RepoTags": [ref], "Layers": []} for ref in configs]
    documents = {f"{ref}.json": config for ref, config in configs.items()}
    with tarfile.open(tmp_path / "two.tar", "w") as tar:
        for name, document in {**documents, "manifest.json": manifest}.items():
            member = tarfile.TarInfo(name)
            data = json.dumps(document).encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    known = {
        ref: {
            "Id": f"sha256:manifest-of-{ref}",
            "Config": config["config"],
            "RootFS": {"Layers": config["rootfs"]["diff_ids"]},
        }
        for ref, config in configs.items()
    }
    api = _Containerd(known)
    made = Ledger()
    images = Images(api, engine="docker", containerd=True, made=made)
    for ref in configs:
        images.ensure(ImageArchive(ref=ref, id=f"sha256:{ref}", path=tmp_path / "two.tar"))
    assert api.loads == 1
    assert set(made.of_kind("ref")) == set(configs), "both are the lab's to remove"
