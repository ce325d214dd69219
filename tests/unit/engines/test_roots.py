"""Roots of other versions: which is chosen, what is asked for, and what is refused. No network."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from lab.cli import engine_versions
from lab.engines import archive, roots
from lab.engines.roots import HOST, Programs, programs
from lab.host import debian
from lab.host.content_cache import Cache
from lab.model.engine_name import parse
from lab.model.errors import EngineUnavailable, InputError, SourceError
from tests.factories import quiet

HELD = {
    "bookworm": {"docker.io": "20.10.24+dfsg1-1+deb12u1", "podman": "4.3.1+ds1-8"},
    "trixie": {"docker.io": "26.1.5+dfsg1-9", "podman": "5.4.2+ds1-2"},
    "sid": {"docker.io": "1:28.5.2+dfsg4-5", "podman": "5.8.6+ds1-3"},
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache of root, an archive of HELD, and mmdebstrap that makes a folder."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(archive, "versions", lambda suite, _cache, _say: HELD[suite])
    return roots.store()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What mmdebstrap was asked for."""
    asked: list[tuple[str, ...]] = []

    def make(options: list[str], suite: str, target: Path, source: str, *, what: str) -> None:
        asked.append((suite, source, what, *options))
        (target / "usr/sbin").mkdir(parents=True)
        (target / "usr/sbin/dockerd").touch()

    monkeypatch.setattr(debian, "mmdebstrap", make)
    return asked


def test_a_name_without_a_version_means_the_hosts_own() -> None:
    assert programs(parse("docker"), quiet) is HOST


@pytest.mark.slow
def test_a_version_is_bootstrapped_once_out_of_the_suite_that_has_it(
    cache: Cache, made: list[tuple[str, ...]]
) -> None:
    first = programs(parse("docker@28/containerd"), quiet)
    assert first == programs(parse("docker-classic@28.5"), quiet)
    assert [asked[0] for asked in made] == ["sid"]
    assert made[0][1].endswith(" sid main")
    assert first.find("dockerd") == Path("/usr/sbin/dockerd")
    assert first.find("podman") is None
    assert first.root is not None
    assert first.root.name.startswith("docker.io_28.5.2+dfsg4-5_sid_")  # no epoch, no colon
    assert "28.5.2" in first.about


def test_of_several_cached_roots_the_newest_that_fits_is_taken_without_asking(
    cache: Cache, made: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("28.5.2+dfsg4-5", "28.10.1+dfsg1-1", "29.0.1-1"):
        cache.folder(f"docker.io_{version}_sid_{roots._MADE}", Path.mkdir, say=quiet, what="a root")
    monkeypatch.delattr(archive, "versions")  # whoever asks fails
    assert "28.10.1" in programs(parse("docker@28"), quiet).about
    assert "28.5.2" in programs(parse("docker@28.5"), quiet).about
    assert not made


@pytest.mark.slow
def test_a_root_of_another_recipe_or_machine_is_not_taken(
    cache: Cache, made: list[tuple[str, ...]]
) -> None:
    cache.folder("docker.io_28.5.2_sid_riscv64_1", Path.mkdir, say=quiet, what="a root")
    programs(parse("docker@28"), quiet)
    assert len(made) == 1


def test_a_version_that_the_archive_has_not_is_refused_with_those_it_has(cache: Cache) -> None:
    with pytest.raises(EngineUnavailable) as raised:
        programs(parse("docker@27"), quiet)
    assert "20.10.24 (bookworm), 26.1.5 (trixie), 28.5.2 (sid)" in raised.value.message
    assert "docker@/path" in (raised.value.remedy or "")


def test_a_root_of_ones_own_must_hold_the_daemon(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        programs(parse(f"docker@{tmp_path}/none"), quiet)
    with pytest.raises(InputError, match="no podman lies in"):
        programs(parse(f"podman@{tmp_path}"), quiet)
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    (tmp_path / "usr/local/bin/podman").symlink_to("/opt/elsewhere")  # leads on inside the root
    found = programs(parse(f"podman@{tmp_path}"), quiet)
    assert found.find("podman") == Path("/usr/local/bin/podman")
    assert found.has("/usr/local/bin")
    assert not found.has("/usr/sbin")


def test_only_root_can_start_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineUnavailable, match="only root"):
        programs(parse("podman@5.8"), quiet)
    assert [one.state for one in engine_versions.findings(ask=False, say=quiet)] == ["absent"] * 2


def test_an_index_is_read_paragraph_by_paragraph(tmp_path: Path) -> None:
    index = tmp_path / "x_Packages"
    index.write_text(
        "Package: podman\nArchitecture: amd64\nVersion: 5.8.6+ds1-3\nDescription: x\n Version: no\n"
        "\nPackage: podman-docker\nVersion: 1\n"
    )
    assert list(archive._paragraphs(index)) == [("podman", "5.8.6+ds1-3"), ("podman-docker", "1")]


def test_an_index_of_today_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "mirror", lambda: "http://mirror.example/debian")
    cache, asked = Cache(tmp_path), []

    def ask(source: str, _folder: Path) -> dict[str, str]:
        asked.append(source)
        return {"podman": "5.8.6"}

    monkeypatch.setattr(archive, "_asked", ask)
    for _ in range(2):
        assert archive.versions("sid", cache, quiet) == {"podman": "5.8.6"}
    assert asked == ["deb http://mirror.example/debian sid main"]
    place = tmp_path / "entries/index-sid.json"
    old = json.loads(place.read_text()) | {"at": time.time() - archive.FRESH_S - 1}
    place.write_text(json.dumps(old))
    archive.versions("sid", cache, quiet)
    assert len(asked) == 2


@pytest.mark.slow
def test_an_index_without_an_engine_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_asked", lambda _source, _folder: {})
    with pytest.raises(SourceError, match="names no engine"):
        archive.versions("sid", Cache(tmp_path), quiet)


def test_the_doctor_says_what_starts_at_once_and_what_comes_from_the_archive(
    cache: Cache, made: list[tuple[str, ...]]
) -> None:
    programs(parse("docker@26"), quiet)
    docker, podman = engine_versions.findings(ask=True, say=quiet)
    assert docker.found == (
        "at once: 26.1.5 (trixie); from the archive: 20.10.24 (bookworm), 28.5.2 (sid)"
    )
    assert podman.found.startswith("from the archive: 4.3.1")


def test_a_program_of_this_host_is_found_where_daemons_lie() -> None:
    assert Programs().find("sh") is not None
    assert Programs().has("/")


def test_a_host_without_the_archive_is_told_what_it_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "mirror", lambda: None)
    assert archive.known_versions("sid", Cache(tmp_path)) is None
    with pytest.raises(SourceError, match="does not use") as refused:
        archive.versions("sid", Cache(tmp_path), quiet)
    assert "name a root folder" in (refused.value.remedy or "")
