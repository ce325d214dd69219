"""Two tars of a root file system side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from lab.host.content_cache import Cache, Layer, Say
from lab.images.sources import reproducibility as module
from lab.images.sources.reproducibility import Difference, compare, differences
from tests.image_archives import layer, link, member


def tar(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_every_difference_is_named_with_what_differs(tmp_path: Path) -> None:
    one = layer(
        member("./etc/same", b"x"),
        member("./etc/machine-id", b"1"),
        member("./var/log/dpkg.log", b"same", mtime=5),
        member("./usr/bin/su", b"x", mode=0o755),
        link("./link", "a"),
        member("./gone", b""),
    )
    other = layer(
        member("./etc/same", b"x"),
        member("./etc/machine-id", b"2"),
        member("./var/log/dpkg.log", b"same", mtime=6),
        member("./usr/bin/su", b"x", mode=0o4755, uid=3),
        link("./link", "b"),
        member("./come", b""),
    )
    found = differences(tar(tmp_path, "a", one), tar(tmp_path, "b", other))
    assert {each.path: each.what for each in found} == {
        "/etc/machine-id": ("content",),
        "/var/log/dpkg.log": ("date",),
        "/usr/bin/su": ("mode", "owner"),
        "/link": ("link",),
        "/gone": ("missing",),
        "/come": ("added",),
    }


def test_another_order_is_a_difference_too(tmp_path: Path) -> None:
    parts = member("a", b"1"), member("b", b"2")
    one, other = layer(*parts), layer(*reversed(parts))
    found = list(differences(tar(tmp_path, "a", one), tar(tmp_path, "b", other)))
    assert found == [Difference(path="/", what=("order of members",))]
    assert list(differences(tmp_path / "a", tmp_path / "a")) == []


def writer(data: bytes) -> Callable[[IO[bytes]], None]:
    def write(out: IO[bytes]) -> None:
        out.write(data)

    return write


STATUS = "var/lib/dpkg/status"


@pytest.mark.parametrize(
    ("made", "moved", "differing"),
    [
        # the same packages, another file: that is the bootstrap
        ([layer(member(STATUS, b"1"), member("id", b"b"))], False, ["/id"]),
        # other packages: the archive moved, and two fresh ones are held against each other
        ([layer(member(STATUS, b"2")), layer(member(STATUS, b"2"))], True, []),
        (
            [
                layer(member(STATUS, b"2"), member("id", b"a")),
                layer(member(STATUS, b"2"), member("id", b"b")),
            ],
            True,
            ["/id"],
        ),
    ],
)
def test_an_archive_that_moved_is_not_taken_for_a_bootstrap_that_differs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: list[bytes],
    moved: bool,
    differing: list[str],
) -> None:
    store = Cache(tmp_path / "cache")
    data = layer(member(STATUS, b"1"), member("id", b"a"))
    first = store.layer(writer(data))
    coming = iter(made)

    def bootstrap(cache: Cache, suite: str, source: str | None, *, say: Say) -> Layer:
        return cache.layer(writer(next(coming)))

    monkeypatch.setattr(module.bootstrap, "layer", bootstrap)
    found = compare("bookworm", first, say=lambda _: None, cache=tmp_path / "cache")
    assert found.moved is moved
    assert [one.path for one in found.differences] == differing
    assert found.identical is not bool(differing)
    assert [path.name for path in (tmp_path / "cache/layers").iterdir()] == [first.path.name]
