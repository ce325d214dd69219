"""Toolchains of this machine: installed from folders and archives, found, and handed on.

The toolchains are folders with a script for a go command.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lab.golang.goroot import discovered, inject
from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.model.errors import InputError, SourceError

GO = "1.22.10"


def toolchain(goroot: Path, version: str = GO) -> Path:
    go = goroot / "bin/go"
    go.parent.mkdir(parents=True)
    go.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
    go.chmod(0o755)
    (goroot / "VERSION").write_text(f"go{version}\n")
    return goroot


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return Home(tmp_path / "goroots")


def install(home: Home, origin: Path, version: str = GO, sha256: str | None = None) -> Path:
    return homes.install(home, version, say=lambda _: None, origin=origin, sha256=sha256)


@pytest.mark.slow
def test_a_distributions_goroot_is_copied_with_what_its_links_lead_to(
    home: Home, tmp_path: Path
) -> None:
    """As Debian lays it out: /usr/lib/go-1.22 is half of links into /usr/share/go-1.22."""
    goroot = toolchain(tmp_path / "usr/lib/go-1.22")
    shared = tmp_path / "usr/share/go-1.22"
    (shared / "src/fmt").mkdir(parents=True)
    (shared / "src/fmt/print.go").write_text("package fmt\n")
    (goroot / "src").symlink_to("../../share/go-1.22/src")
    (goroot / "bin/gofmt").symlink_to("go")
    tree = install(home, goroot)
    assert (tree / "src/fmt/print.go").read_text() == "package fmt\n"
    assert not (tree / "src").is_symlink()
    assert (tree / "bin/gofmt").readlink() == Path("go")
    assert not homes.difference(home, GO)
    (shared / "src/fmt/print.go").write_text("package other\n")
    assert (tree / "src/fmt/print.go").read_text() == "package fmt\n"


def test_an_archive_is_held_against_its_sum(home: Home, tmp_path: Path) -> None:
    archive = tmp_path / "go1.22.10.linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(toolchain(tmp_path / "go"), "go")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(SourceError, match="sha256"):
        install(home, archive, sha256="0" * 64)
    assert home.versions() == ()
    tree = install(home, archive, sha256=digest)
    assert homes.difference(home, GO).changed == ()
    assert os.access(tree / "bin/go", os.X_OK)


@pytest.mark.parametrize("wrong", ["another version", "no program", "no folder", "no archive"])
def test_what_is_not_that_version_leaves_nothing(home: Home, tmp_path: Path, wrong: str) -> None:
    origin = tmp_path / "origin"
    if wrong == "another version":
        toolchain(origin, "1.23.9")
    elif wrong == "no program":
        (origin / "bin").mkdir(parents=True)
    elif wrong == "no archive":
        origin.write_bytes(b"no archive")
    with pytest.raises((SourceError, InputError)):
        install(home, origin)
    assert home.versions() == ()
    assert not list((home.root / "tmp").iterdir())


def test_the_machines_toolchains_are_found_in_the_order_of_a_shell(tmp_path: Path) -> None:
    toolchain(tmp_path / "usr/local/go", "1.20.1")
    toolchain(tmp_path / "usr/lib/go-1.19", "1.19.8")
    first = toolchain(tmp_path / "opt/mine", "1.24.3")
    broken = toolchain(tmp_path / "home/sdk/go1.18")
    (broken / "bin/go").chmod(0o644)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").symlink_to(first / "bin/go")
    (tmp_path / "usr/bin").mkdir()
    (tmp_path / "usr/bin/go").symlink_to("../lib/go-1.19/bin/go")
    environment = {
        "PATH": f"{tmp_path}/bin::{tmp_path}/nothing:{tmp_path}/usr/bin",
        "HOME": f"{tmp_path}/home",
    }
    found = discovered.toolchains(environment, tmp_path)
    assert [(one.goroot.name, one.version) for one in found] == [
        ("mine", "1.24.3"),
        ("go-1.19", "1.19.8"),
        ("go", "1.20.1"),
        ("go1.18", None),
    ]
    assert discovered.toolchains({}, tmp_path / "empty") == ()


@pytest.mark.slow
def test_inject_takes_the_one_that_is_named_current_or_found(tmp_path: Path) -> None:
    def lab(*words: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
        code = "import sys; from lab.cli.main import main; main()"
        line = [sys.executable, "-c", code, "goroot", "--home", str(tmp_path / "goroots"), *words]
        settings = os.environ | {"PATH": path, "HOME": str(tmp_path), "GOROOT": "/elsewhere"}
        return subprocess.run(line, capture_output=True, text=True, check=False, env=settings)

    def runs(lines: str) -> str:
        script = f"{lines}\ngo version; echo ${{GOROOT-unset}}\n"
        return subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=True
        ).stdout

    on_path = toolchain(tmp_path / "first", "1.24.3")
    broken = toolchain(tmp_path / "broken")
    (broken / "bin/go").write_text("#!/bin/sh\nexit 3\n")
    other = toolchain(tmp_path / "another one", "1.21.5")
    path = f"{broken}/bin:{on_path}/bin:{other}/bin:/usr/bin:/bin"
    found = lab("inject", "shell", path=path)
    assert found.returncode == 0, found.stderr
    assert runs(found.stdout) == "go version go1.24.3 linux/amd64\nunset\n"
    assert f"found {broken}: cannot be run" in found.stderr
    assert f"found {other}: Go 1.21.5" in found.stderr
    named = lab("inject", "shell", "--goroot", str(other))
    assert runs(named.stdout) == "go version go1.21.5 linux/amd64\nunset\n"
    assert lab("inject", "shell", "--goroot", str(broken)).returncode == 9
    assert lab("install", GO, "--from", str(toolchain(tmp_path / "third"))).returncode == 0
    assert lab("use", GO).returncode == 0
    current = lab("inject", "shell", path=path)
    assert runs(current.stdout) == f"go version go{GO} linux/amd64\nunset\n"


def test_a_copy_in_memory_goes_before_the_disk_as_long_as_it_is_there(tmp_path: Path) -> None:
    disk = toolchain(tmp_path / "disk")
    memory = toolchain(tmp_path / "memory", "1.22.10-memory")
    chosen = inject.Chosen(goroot=disk, version=GO, staged=memory)
    lines = inject.inject("shell", chosen)
    script = f"{lines}go version"
    assert "memory" in subprocess.check_output(["sh", "-c", script], text=True)
    (memory / "bin/go").unlink()
    assert "memory" not in subprocess.check_output(["sh", "-c", script], text=True)
    step = inject.inject("github", chosen)
    wanted = [line.split()[1] for line in step.splitlines() if line.endswith('"$GITHUB_PATH"')]
    assert wanted == [f"{disk}/bin", f"{memory}/bin"]  # the runner puts the last one first
