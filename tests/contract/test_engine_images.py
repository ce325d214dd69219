"""Images that only an engine holds, read through its export; labelled images loaded again."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.cli.main import main
from lab.engines.protocol import ContainerRequest, ImageArchive
from lab.images import history_diff
from lab.images.labelled import REPOSITORY
from lab.images.opened import opened
from lab.model.errors import InputError
from lab.model.events import Log
from tests.contract.conftest import Bench
from tests.contract.debian import image
from tests.image_archives import archive, layer, member

NAME = "localhost/lab/test:held"
FILE = "FROM BASE\nENV HELD=1\nRUN echo kept >/held && mkdir /srv/x\nUSER 7\n"


def validated(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["validate", *given])
    said = capsys.readouterr()
    return stop.value.code, said.out, said.err


def test_an_image_of_an_engine_is_read_labelled_and_loaded_again(
    real_bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = "podman" if real_bench.family == "podman" else "docker"
    endpoint = real_bench.engine.facts().endpoint
    monkeypatch.setenv("CONTAINER_HOST" if place == "podman" else "DOCKER_HOST", str(endpoint))
    real_bench.build(FILE, tag=NAME)
    results = ["--results", str(tmp_path / "results")]

    code, _, said = validated(capsys, f"{place}:localhost/lab/test:nowhere", *results)
    assert code == 9
    assert f"{place} holds no image localhost/lab/test:nowhere" in said
    assert f"`{place} pull " in said

    out = tmp_path / "labelled.tar"
    given = [f"{place}:{NAME}", "--format", "json", "--labelled", str(out), *results]
    code, text, _ = validated(capsys, *given)
    (found,) = json.loads(text)
    assert code == 0
    assert found["figures"]["glibc"] == "2.36"
    assert found["figures"]["hygiene"]["user"] == "7"
    labels = found["labels"]
    assert labels["io.imagelab.needs.glibc"] == "2.36"

    ref = f"{REPOSITORY}:{place}-localhost-lab-test-held"
    real_bench.engine.ensure(ImageArchive(ref=ref, id=None, path=out))
    # Podman answers Docker's API too: what the engines hold is asked past the lab's adapters.
    with closing(docker.APIClient(base_url=endpoint)) as api:
        before, after = api.inspect_image(NAME), api.inspect_image(ref)
    assert after["RootFS"]["Layers"] == before["RootFS"]["Layers"]
    assert len(found["figures"]["layers"]) == len(after["RootFS"]["Layers"])
    assert {f"sha256:{one}" for one in found["figures"]["layers"]} == {*after["RootFS"]["Layers"]}
    assert after["Config"]["User"] == "7"
    assert "HELD=1" in after["Config"]["Env"]
    assert labels.items() <= after["Config"]["Labels"].items()
    assert [name for name in tmp_path.iterdir() if name.suffix != ".tar"] == [tmp_path / "results"]


def test_a_binary_of_trixie_in_bullseye_is_told_as_the_container_tells_it(
    real_bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """chrt needs GLIBC_2.41's sched_setattr; bullseye has glibc 2.31."""
    new = image("trixie").contents
    program = new.data(new.nodes["usr/bin/chrt"])
    lower = image("bullseye").layers[0].path.read_bytes()
    upper = layer(member("usr/bin/own", program, mode=0o755))
    path = archive(tmp_path / "mixed.tar", [lower, upper], {"Entrypoint": ["/usr/bin/own"]})
    code, text, _ = validated(
        capsys, str(path), "--format", "json", "--results", str(tmp_path / "results")
    )
    assert code == 3
    (found,) = json.loads(text)
    (verdict,) = found["verdicts"]
    assert verdict["verdict"] == "does not run"
    told = {why.split("`")[1].split("'")[0] for why in verdict["why"] if "version `" in why}
    mixed = opened(str(path), say=print)
    real_bench.engine.ensure(mixed.archive)
    request = ContainerRequest(image=mixed.archive.ref, command=("/usr/bin/own",))
    said = b"".join(
        event.data for event in real_bench.engine.run(request) if isinstance(event, Log)
    ).decode()
    names = {line.split("`")[1].split("'")[0] for line in said.splitlines() if "version `" in line}
    assert names
    assert told == names


def test_two_images_of_an_engine_are_compared_by_their_past(
    real_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "podman" if real_bench.family == "podman" else "docker"
    endpoint = real_bench.engine.facts().endpoint
    monkeypatch.setenv("CONTAINER_HOST" if place == "podman" else "DOCKER_HOST", str(endpoint))
    for word in ("one", "two"):
        text = f"FROM BASE\nRUN echo same >/a\nRUN echo {word} >/b\n"
        real_bench.build(text, tag=f"localhost/lab/test:{word}")
    one, two = (
        history_diff.history(f"{place}:localhost/lab/test:{word}") for word in ("one", "two")
    )
    same, *told = history_diff.differences(one, two)
    assert same == "2 steps the same"  # the base and the first RUN
    assert len(told) == 1
    assert "echo one >/b" in told[0]
    assert "echo two >/b" in told[0]
    with pytest.raises(InputError, match="holds such an image"):
        history_diff.history(f"{place}:localhost/lab/test:nowhere")
