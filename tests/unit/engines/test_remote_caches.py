"""Remote caches: which engine can do what, and what the engines are asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.dockerfile.parser import parse
from lab.engines import docker_remote, registry_contents, remote_caches
from lab.engines.podman_requests import cache_parameters
from lab.engines.protocol import BuildRequest, RemoteCache
from lab.model.events import BuildError, CacheMoved, Event, Finished
from lab.model.remote_cache import STRATEGIES, Remote, Stored

TEXT = (
    "FROM a AS tools\nRUN x\nFROM a\nCOPY --from=tools /x /x\nFROM a AS idle\nRUN y\n"
    "FROM scratch AS empty\nFROM a\nCOPY --from=1 /x /x\nCOPY --from=empty / /\n"
)


@pytest.mark.parametrize(
    ("engine", "version", "able"),
    [
        ("docker", "20.10.24", {"inline", "stage-images"}),
        ("docker@28", "", {"inline", "stage-images"}),
        ("docker@28/containerd", "", {"inline", "stage-images", *remote_caches.EXPORTED}),
        ("docker@29", "", {"inline", "stage-images", *remote_caches.EXPORTED}),
        ("docker@29/graph", "", {"inline", "stage-images"}),
        ("docker-classic", "28.5.2", set()),
        ("podman@5.4", "", {"podman-registry"}),
        ("simulated", "", set()),
    ],
)
def test_who_can_do_what(engine: str, version: str, able: set[str]) -> None:
    found = {
        one for one in STRATEGIES if not remote_caches.lacks(engine, version, one, containerd=None)
    }
    assert found == able | {"none", "warm-disk"}


def remote(strategy: str, **tags: Any) -> RemoteCache:
    return RemoteCache(
        strategy=strategy, repository="127.0.0.1:9/lab/r", folder=Path("/nowhere"), **tags
    )


def request(cache: RemoteCache) -> BuildRequest:
    return BuildRequest(
        dockerfile=parse(TEXT),
        dockerfile_path="Dockerfile",
        context=None,  # type: ignore[arg-type]  # nothing here reads it
        tag="localhost/lab/t:1",
        build_args={"A": "1"},
        remote=cache,
    )


def test_an_inline_cache_is_one_image() -> None:
    asked = request(remote("inline", restore="main", save="after"))
    assert json.loads(docker_remote.query(asked)["cachefrom"]) == ["127.0.0.1:9/lab/r:main"]
    assert docker_remote.with_keys(asked).build_args == {"A": "1", "BUILDKIT_INLINE_CACHE": "1"}


def test_each_stage_that_is_needed_and_makes_a_layer_is_an_image() -> None:
    asked = request(remote("stage-images", restore="main"))
    names = [f"127.0.0.1:9/lab/r:main-{number}" for number in (0, 1, 4)]
    assert json.loads(docker_remote.query(asked)["cachefrom"]) == names
    one_stage = replace(asked, target="tools")
    assert json.loads(docker_remote.query(one_stage)["cachefrom"]) == names[:1]
    assert docker_remote.with_keys(asked).build_args == {"A": "1"}, "nothing is left of it"


@pytest.mark.parametrize("strategy", ["none", "registry-max", "podman-registry", "local"])
def test_other_caches_are_no_matter_of_images(strategy: str) -> None:
    asked = request(remote(strategy, restore="main", save="after"))
    assert docker_remote.query(asked) == {}
    assert docker_remote.with_keys(asked) is asked


class Api:
    """A daemon that notes what it is asked, and refuses to push ``refused``."""

    def __init__(self, refused: str = "") -> None:
        self.refused, self.pushed, self.tagged = refused, [], []

    def tag(self, source: str, repository: str, tag: str, *, force: bool) -> None:
        self.tagged.append((source, f"{repository}:{tag}", force))

    def push(self, repository: str, *, tag: str, **_: Any) -> list[dict[str, str]]:
        self.pushed.append(f"{repository}:{tag}")
        refused = {"error": "denied", "status": ""}
        return [{"status": "pushing"}, *([refused] if tag == self.refused else [])]


def saved(api: Api, cache: RemoteCache, fails: bool = False) -> tuple[list[Event], list[str]]:
    built: list[str] = []

    def build(asked: BuildRequest) -> list[Event]:
        built.append(f"{asked.target} {asked.tag}")
        return [BuildError(0.0, "no space"), Finished(0.0)] if fails else [Finished(0.0)]

    told = docker_remote.saved(api, request(cache), build)  # type: ignore[arg-type]  # a list will do
    return list(told), built


def test_every_stage_is_built_for_itself_and_pushed() -> None:
    api = Api()
    told, built = saved(api, remote("stage-images", save="main"))
    names = [f"127.0.0.1:9/lab/r:main-{number}" for number in (0, 1, 4)]
    assert built == [f"tools {names[0]}", f"1 {names[1]}"]
    assert api.pushed == names
    assert api.tagged == [("localhost/lab/t:1", names[2], True)]
    moved, end = told
    assert isinstance(moved, CacheMoved)
    assert (moved.out, moved.error) == (True, "")
    assert isinstance(end, Finished)


def test_what_goes_wrong_is_told_and_ends_it() -> None:
    api = Api(refused="main-0")
    told, _ = saved(api, remote("stage-images", save="main"))
    assert [event.error for event in told if isinstance(event, CacheMoved)] == ["denied"]
    assert api.pushed == ["127.0.0.1:9/lab/r:main-0"]
    told, _ = saved(Api(), remote("stage-images", save="main"), fails=True)
    assert [event.error for event in told if isinstance(event, CacheMoved)] == ["no space"]
    nothing, _ = saved(Api(), remote("registry-max", save="main"))
    assert [type(event) for event in nothing] == [Finished]


def test_podman_is_asked_in_the_form_that_its_version_reads() -> None:
    cache = remote("podman-registry", restore="main", save="after")
    assert cache_parameters(cache, "4.3.1") == {
        "tlsVerify": "false",
        "cachefrom": "127.0.0.1:9/lab/r",
        "cacheto": "127.0.0.1:9/lab/r",
    }
    new = cache_parameters(replace(cache, restore=None), "5.4.2")
    assert new == {"tlsVerify": "false", "cacheto": '["127.0.0.1:9/lab/r"]'}


def test_a_folder_of_blobs_is_counted(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs/sha256"
    blobs.mkdir(parents=True)
    layer = {"mediaType": "layer", "digest": "sha256:1", "size": 10}
    config = {"mediaType": "config", "digest": "sha256:2", "size": 3}
    (blobs / "9").write_text(json.dumps({"config": config, "layers": [layer, layer]}))
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:9"}]}))
    assert registry_contents.in_folder(tmp_path) == Stored(
        manifests=1, blobs=2, bytes=13, types={"config": 3, "layer": 10}
    )


def test_a_record_is_read_back() -> None:
    stored = {"manifests": 1, "blobs": 2, "bytes": 13, "types": {"layer": 13}, "later": 1}
    read = Remote.from_json(
        {"strategy": "inline", "restored": True, "saved": True, "stored": stored, "later": 2}
    )
    assert read.stored == Stored(manifests=1, blobs=2, bytes=13, types={"layer": 13})
    assert read.import_s is None
    with pytest.raises(TypeError, match="up_bytes"):
        Remote.from_json({"strategy": "i", "restored": True, "saved": True, "up_bytes": "many"})
