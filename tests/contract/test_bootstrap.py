"""A suite bootstrapped for real. Uses the lab's cache, so that it costs time only once."""

from __future__ import annotations

from lab import bases
from lab.bases import image_tar
from lab.bases.contents import Contents
from lab.bases.sources import BaseSource
from lab.paths import cache_dir


def test_bookworm_holds_the_glibc_that_its_library_states() -> None:
    said: list[str] = []
    source = BaseSource(kind="suite", value="bookworm", name="bookworm")
    base = bases.base(source, say=said.append)
    assert base.glibc == "2.36"
    assert base.image.path is not None
    assert base.image.path.stat().st_size < 140_000_000
    layers, settings = image_tar.read(base.image.path)
    assert settings["Cmd"] == ["/bin/sh"]
    held = Contents([cache_dir() / "bases/layers" / f"{digest}.tar" for digest, _ in layers])
    assert b"VERSION_CODENAME=bookworm" in (held.read("etc/os-release") or b"")
    assert held.read("bin/sh") is not None
    assert bases.base(source, say=said.append) == base
    assert len(said) <= 1
