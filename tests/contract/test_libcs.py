"""Images of musl, and of no libc at all, with no shell in them: asked as any other."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.cli.main import main
from lab.images.sources import bootstrap
from lab.validate.probes import compiler
from tests.image_archives import archive, layer, member

SUITE = "bookworm"


def debian_musl(tmp_path: Path) -> tuple[bytes, str]:
    """The loader of Debian's package of musl as a layer, and its version as it says it itself."""
    path = tmp_path / "musl" / "musl.tar"
    path.parent.mkdir()
    bootstrap.extract(SUITE, "musl", path, bootstrap.key(SUITE)["source"])
    with tarfile.open(path) as tar:
        (name,) = (one.name for one in tar if one.name.endswith("-linux-musl/libc.so"))
        file = tar.extractfile(name)
        assert file is not None
        data = file.read()
    loader = tmp_path / "loader"
    loader.write_bytes(data)
    loader.chmod(0o755)
    said = subprocess.run([loader], capture_output=True, text=True, check=False).stderr
    version = re.search(r"Version (\S+)", said)
    assert version is not None
    return data, version[1]


@pytest.mark.timeout(600)
def test_musl_and_no_libc_are_asked_in_a_guest_and_in_a_container(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loader, version = debian_musl(tmp_path)
    program = compiler.dynamic("musl").read_bytes()
    root = layer(
        member("lib/ld-musl-x86_64.so.1", loader, mode=0o755),
        member("bin/asker", program, mode=0o755),
    )
    images = [
        archive(tmp_path / "musl.tar.gz", [root], {"Cmd": ["/bin/asker"]}),
        archive(
            tmp_path / "scratch.tar",
            [layer(member("serve", compiler.static().read_bytes(), mode=0o755))],
            {"Entrypoint": ["/serve"]},
        ),
    ]
    arguments = ["validate", *map(str, images), "--engines", "podman", "--private"]
    arguments += ["--kernels", "host 6.1", "--format", "json", "--results", str(tmp_path / "res")]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    musl, scratch = json.loads(capsys.readouterr().out)
    assert stop.value.code == 0
    assert (musl["figures"]["musl"], musl["figures"]["glibc"]) == (version, None)
    assert scratch["figures"]["musl"] is None
    for image in (musl, scratch):
        words = {(one["kernel"], one["engine"]): one["verdict"] for one in image["verdicts"]}
        assert set(words.values()) == {"runs"}, image["verdicts"]
        assert len(words) == 4
    assert said(musl, "libc") == dict.fromkeys(said(musl, "clone3"), "musl")
    assert set(said(musl, "threads").values()) == {"works"}
    assert set(said(musl, "iconv.UTF-16LE").values()) == {"works"}
    reasons = {
        cell["why"] for row in musl["rows"] if row["name"] == "threads" for cell in row["cells"]
    }
    assert reasons == {"clone works, thread runs"}  # musl's pthread_create.c calls clone alone
    assert {row["group"] for row in scratch["rows"]} == {"system calls"}


def said(image: dict[str, Any], row: str) -> dict[tuple[str, str], str]:
    (found,) = (one for one in image["rows"] if one["name"] == row)
    return {(one["kernel"], one["engine"]): one["word"] for one in found["cells"]}
