"""An image that buildx attests lies in containerd's store beside a manifest that is no image."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from lab.engines import buildx
from lab.engines.protocol import Engine, ImageArchive
from lab.host.content_cache import Cache
from lab.images.sources import archive
from tests.contract.conftest import BASE, Bench

ENGINE = "docker@28/containerd"
TAG = "localhost/lab/test:attested"
TEXT = f"FROM {BASE}\nCOPY a /a\nCOPY b /b\n"


def attest(endpoint: str, folder: Path) -> None:
    """Build by a real client, which asks for the provenance."""
    (folder / "nobodys").mkdir()
    context = folder / "context"
    context.mkdir()
    for name, text in (("Dockerfile", TEXT), ("a", "a"), ("b", "b")):
        (context / name).write_text(text)
    subprocess.run(
        [str(buildx.program()), "build", "--provenance=true", "--load", f"--tag={TAG}", context],
        env={**os.environ, "DOCKER_HOST": endpoint, "DOCKER_CONFIG": str(folder / "nobodys")},
        check=True,
        capture_output=True,
    )


def attestations(path: Path) -> int:
    """How many manifests of an archive say that they are about another one."""
    with tarfile.open(path) as tar:
        names = [name for name in tar.getnames() if name.startswith("blobs/sha256/")]
        files = [tar.extractfile(name) for name in ("index.json", *names)]
        texts = [file.read() for file in files if file is not None]
    found = [json.loads(text) for text in texts if text.startswith(b"{") and b"manifests" in text]
    return sum(
        (one.get("annotations") or {}).get("vnd.docker.reference.type") == "attestation-manifest"
        for index in found
        for one in index.get("manifests") or ()
    )


def test_an_attested_image_is_what_its_own_layers_are(
    engines: Callable[[str], Engine], bookworm: ImageArchive, tmp_path: Path
) -> None:
    bench = Bench(engines(ENGINE))
    attest(bench.engine.facts().endpoint, tmp_path)
    outcome = bench.build(TEXT, {"a": "a", "b": "b"})
    assert outcome.status == "ok", outcome.reason
    attested, plain = bench.engine.inspect(TAG), bench.engine.inspect("localhost/lab/test:built")
    base = bench.engine.inspect(bookworm.ref)
    assert attested.layers == plain.layers == (base.layers or 0) + 2
    assert attested.size_bytes is not None
    assert plain.size_bytes is not None
    assert abs(attested.size_bytes - plain.size_bytes) < 100_000  # the statement itself
    assert attested.id != plain.id, "it is an index: the image and what is said of it"

    saved = tmp_path / "saved.tar"
    with saved.open("wb") as file:
        for piece in bench.engine.export(TAG):
            file.write(piece)
    assert attestations(saved) >= 1, "the archive holds none: this shows nothing"
    layers, _ = archive.image(Cache(tmp_path / "cache"), saved)
    assert len(layers) == attested.layers
