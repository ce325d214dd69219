"""A suite bootstrapped for real. Uses the lab's cache, so that it costs time only once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.host.paths import cache_dir
from lab.images.sources import base_images, image_tar
from lab.images.sources.contents import Contents
from lab.images.sources.types import BaseSource
from tests.contract.debian import image


@pytest.mark.timeout(900)
def test_two_bootstraps_are_the_same_bit_by_bit_and_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("bootstraps: identical\ndates: clamped\n")
    given = ["trixie", "--policy", str(policy), "--results", str(tmp_path / "results")]
    layers = cache_dir() / "bases/layers"
    image("trixie")  # made where it is not there yet
    before = {path.name for path in layers.iterdir()}
    with pytest.raises(SystemExit) as stop:
        main(["validate", *given, "--format", "json"])
    assert stop.value.code == 0
    (found,) = json.loads(capsys.readouterr().out)
    told = found["figures"]["bootstraps"]
    assert told["identical"] is True
    assert told["differences"] == {}
    first = cache_dir() / "bases/layers" / f"{told['digests'][0]}.tar"
    if not told["archive_moved"]:
        digest = hashlib.sha256(first.read_bytes()).hexdigest()
        assert told["digests"] == [digest, digest]
    assert before <= {path.name for path in layers.iterdir()}


def test_bookworm_holds_the_glibc_that_its_library_states() -> None:
    said: list[str] = []
    source = BaseSource(kind="suite", value="bookworm", name="bookworm")
    base = base_images.base(source, say=said.append)
    assert base.glibc == "2.36"
    assert base.image.path is not None
    assert base.image.path.stat().st_size < 140_000_000
    layers, settings = image_tar.read(base.image.path)
    assert settings["Cmd"] == ["/bin/sh"]
    held = Contents([cache_dir() / "bases/layers" / f"{digest}.tar" for digest, _ in layers])
    assert b"VERSION_CODENAME=bookworm" in (held.read("etc/os-release") or b"")
    assert held.read("bin/sh") is not None
    assert base_images.base(source, say=said.append) == base
    assert len(said) <= 1
