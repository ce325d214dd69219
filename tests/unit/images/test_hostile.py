"""Images that are made to break whoever reads them: each is told, nothing hangs or escapes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from lab.cli.main import main
from lab.images import hostile
from lab.images.opened import Opened, opened
from lab.model.errors import SourceError
from tests.image_archives import archive, layer, link, member

SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "big"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))


def image(tmp_path: Path, *layers: bytes) -> Opened:
    path = archive(tmp_path / "image.tar", layers)
    return opened(str(path), say=lambda _: None)


def headed(size: int, kind: bytes) -> bytes:
    """A member's header that claims any size, in base 256 where that is large."""
    raw = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = b"\x80" + size.to_bytes(11, "big")
    raw[156:157] = kind
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw) + bytes(2048)


def named_again_and_again() -> bytes:
    one = headed(3, b"L")[:512] + b"ab\0".ljust(512, b"\0")
    return one * 5000 + bytes(1024)


def long_name() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("a/" * 200_000))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        headed(1 << 62, b"L"),
        headed(1 << 80, b"L"),
        headed(1 << 62, b"x"),
        headed(1 << 62, b"0"),
        headed(1 << 80, b"0"),
        headed(1 << 40, b"0"),
        named_again_and_again(),
        long_name(),
        b"no tar at all" * 100,
    ],
    ids=[
        "name of 4 EB",
        "name of 1 YB",
        "headers of 4 EB",
        "file of 4 EB",
        "file of 1 YB",
        "file of 1 TB that is not there",
        "names of names",
        "a path of 400 kB",
        "no tar",
    ],
)
def test_a_layer_that_would_break_its_reader_is_refused(tmp_path: Path, data: bytes) -> None:
    before = time.monotonic()
    with pytest.raises(SourceError, match="layer 1 is not a whole tar"):
        image(tmp_path, data)
    assert time.monotonic() - before < 20


@pytest.mark.slow
def test_whiteouts_by_the_thousand_take_no_time(tmp_path: Path) -> None:
    """Each of them against all names took minutes."""
    lower = layer(*(member(f"a/{number}", b"x") for number in range(8_000)))
    upper = layer(*(member(f"a/.wh.{number}") for number in range(8_000)))
    before = time.monotonic()
    held = image(tmp_path, lower, upper).contents
    assert time.monotonic() - before < 30
    assert dict(held.nodes) == {}
    assert len(held.hidden) == 8_000


def test_whiteouts_hide_what_lies_below_and_nothing_beside(tmp_path: Path) -> None:
    lower = layer(*(member(name, b"x") for name in ("a/b", "a/c/d", "a.b", "a0", "keep/x", "e/f")))
    upper = layer(member(".wh.a"), member("e/.wh..wh..opq"), member("e/new", b"y"))
    assert sorted(image(tmp_path, lower, upper).contents.nodes) == ["a.b", "a0", "e/new", "keep/x"]


def test_the_last_of_two_members_of_one_name_counts(tmp_path: Path) -> None:
    held = image(tmp_path, layer(member("a", b"first"), member("a", b"second"))).contents
    assert held.read("a") == b"second"
    assert [path for path, _ in held.hidden] == ["a"]


def test_a_sparse_file_is_told_and_its_size_believed_by_nobody(tmp_path: Path) -> None:
    huge = member("GNUSparseFile.0/big", b"1\n0\n0\n".ljust(512, b"\0"))
    huge[0].pax_headers = SPARSE | {"GNU.sparse.realsize": str(1 << 60)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(huge[0], io.BytesIO(huge[1]))
    held = image(tmp_path, out.getvalue())
    (found,) = hostile.findings(held.contents)
    assert found.rule == "sparse-file"
    assert str(1 << 60) in found.message
    assert held.contents.read("big") is None


def test_headers_of_pax_are_followed_to_where_they_lead(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("harmless")
        info.pax_headers = {"path": "../../escaped"}
        tar.addfile(info)
    (found,) = hostile.findings(image(tmp_path, out.getvalue()).contents)
    assert (found.rule, found.level) == ("path-escapes", "error")


def test_a_link_and_a_file_through_it_two_links_deep(tmp_path: Path) -> None:
    members = [link("a", "/etc"), link("b", "a"), member("b/passwd", b"x")]
    found = hostile.findings(image(tmp_path, layer(*members)).contents)
    assert [(one.rule, one.place) for one in found] == [("written-through-link", "/b/passwd")]


def test_links_in_a_circle_lead_nowhere(tmp_path: Path) -> None:
    hard = {"type": tarfile.LNKTYPE}
    members = [
        link("a", "b"),
        link("b", "a"),
        member("c", linkname="d", **hard),
        member("d", linkname="c", **hard),
    ]
    held = image(tmp_path, layer(*members)).contents
    assert [held.read(name) for name in "abcd"] == [None] * 4


def test_a_layer_of_no_bytes_changes_nothing(tmp_path: Path) -> None:
    held = image(tmp_path, layer(member("a", b"x")), b"").contents
    assert list(held.nodes) == ["a"]


def packed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> Opened:
    """An OCI archive whose one layer is packed."""
    plain = layer(member("etc/os-release", b"x" * 5000))

    def blob(data: bytes) -> tuple[str, bytes]:
        return hashlib.sha256(data).hexdigest(), data

    config = {
        "architecture": "amd64",
        "config": {},
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
    }
    blobs = dict([blob(json.dumps(config).encode()), blob(pack(plain))])
    one, other = blobs
    manifest = {"config": {"digest": f"sha256:{one}"}, "layers": [{"digest": f"sha256:{other}"}]}
    name, data = blob(json.dumps(manifest).encode())
    blobs[name] = data
    return written(tmp_path, {"digest": f"sha256:{name}"}, blobs)


def written(tmp_path: Path, entry: dict[str, Any], blobs: dict[str, bytes]) -> Opened:
    members = [member("index.json", json.dumps({"manifests": [entry]}).encode())]
    members += [member(f"blobs/sha256/{name}", data) for name, data in blobs.items()]
    path = tmp_path / "oci.tar"
    path.write_bytes(layer(*members))
    return opened(str(path), say=lambda _: None)


def test_a_layer_of_zstd_is_read(tmp_path: Path) -> None:
    held = packed(tmp_path, zstandard.ZstdCompressor().compress).contents
    assert held.read("etc/os-release") == b"x" * 5000


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: gzip.compress(data) + b"what else",
        lambda data: gzip.compress(data)[:-20],
        lambda data: gzip.compress(data + b"more"),
        lambda data: zstandard.ZstdCompressor().compress(data) + b"what else",
        lambda data: zstandard.ZstdCompressor().compress(data)[:-20],
        lambda _: b"\x28\xb5\x2f\xfd" + bytes(100),
    ],
    ids=["gzip + garbage", "gzip cut", "other bytes", "zstd + garbage", "zstd cut", "no zstd"],
)
def test_a_packed_layer_that_is_not_what_it_claims_is_refused(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(SourceError, match="is not a docker-archive or OCI archive") as refused:
        packed(tmp_path, pack)
    # An OCI archive of skopeo has lost the base's triggers: findings/skopeo-settings-lost.sh.
    assert "skopeo copy ... docker-archive:" in str(refused.value.remedy)


@pytest.mark.slow
def test_a_bomb_of_zstd_is_refused(tmp_path: Path) -> None:
    pack = zstandard.ZstdCompressor(level=1).compressobj()
    block = bytes(1 << 24)
    bomb = b"".join(pack.compress(block) for _ in range(80)) + pack.flush()
    with pytest.raises(SourceError, match="unpacks to more than"):
        packed(tmp_path, lambda _: bomb)


def test_manifests_in_a_circle_are_refused(tmp_path: Path) -> None:
    circle = json.dumps({"manifests": [{"digest": "other:1"}]}).encode()
    members = [member("index.json", circle), member("blobs/other/1", circle)]
    path = tmp_path / "oci.tar"
    path.write_bytes(layer(*members))
    with pytest.raises(SourceError, match="indexes lead to indexes without an end"):
        opened(str(path), say=lambda _: None)


def test_a_layer_that_is_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "image.tar", [layer(member("a"))])
    with tarfile.open(path) as tar:
        manifest, config = (tar.extractfile(name) for name in ("manifest.json", "config.json"))
        assert manifest is not None
        assert config is not None
        documents = manifest.read(), config.read()
    members = [
        member("manifest.json", documents[0]),
        member("config.json", documents[1]),
        link("0.tar", "0.tar"),
    ]
    path.write_bytes(layer(*members))
    with pytest.raises(SourceError, match="a link that leads round in a circle"):
        opened(str(path), say=lambda _: None)


@pytest.mark.slow
def test_names_that_a_terminal_would_obey_or_that_forge_lines_do_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "usr/bin/\x1b]0;own\x07x\x1b[31m\nbookworm: runs\n<img src=x onerror=y>|`[a](b)"
    path = archive(tmp_path / "i.tar", [layer(member(evil, b"x", mode=0o4755))])
    policy = tmp_path / "policy.yaml"
    policy.write_text("setuid: {allow: []}\n")
    results = tmp_path / "results"
    with pytest.raises(SystemExit) as stop:
        main(["validate", str(path), "--policy", str(policy), "--results", str(results)])
    assert stop.value.code == 3
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert not any(line.startswith("bookworm: runs") for line in text.splitlines())
    (folder,) = results.iterdir()
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "<img" not in text
        assert "\x1b" not in text
    assert "[a](b)" not in (folder / "report.md").read_text()
    assert "\x1b" not in (folder / "junit.xml").read_text()
    json.loads((folder / "results.sarif").read_text())
