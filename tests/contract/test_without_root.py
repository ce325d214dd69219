"""Every verb of GOROOT's rooms as a user without any right: it works, or says what it needs.

Real runs as user 65534, with a Go toolchain, a home of its own and the interpreter of this test.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.golang.goroot import home as homes
from lab.golang.goroot.home import Home
from lab.host.paths import cache_dir

REPOSITORY = Path(__file__).parents[2]
NOBODY = "65534"
GO = "1.22.10"
CLAIMS = """\
name: small
source: {title: two claims, where: this test}
claims:
  - id: resolution
    says: The environment decides.
    experiment: resolution
    settings: {go: [1.22.10, 1.23.9]}
    expect:
      - {part: the environment decides, fact: environment decides, equals: true}
  - id: node-local
    says: Pulling takes a second.
    experiment: distribute
    settings: {go: 1.22.10, rounds: "1"}
    expect:
      - {part: pulling, series: pull, value: 1.0, within: 0.5}
"""
DRIVER = """\
import json, subprocess, sys
told = []
for words in json.load(open(sys.argv[1])):
    line = [sys.executable, "-c", "from lab.cli.main import main; main()", *words]
    done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    told.append((done.returncode, done.stdout + done.stderr))
json.dump(told, sys.stdout)
"""
# What is done, its exit code, and what it says.
DONE = (
    ("goroot status", 0, "none: lab goroot use VERSION"),
    ("goroot install 1.22.10 --from TREE", 0, "versions/1.22.10"),
    ("goroot list", 0, "1.22.10"),
    ("goroot rollback", 2, "no earlier version"),
    ("goroot use 1.22.10", 0, "current (link)"),
    ("goroot use 1.22.10 --at HOME/go", 0, "HOME/go (link)"),
    ("goroot use 1.22.10 --at HOME --how overlay", 12, "only root may mount"),
    ("goroot use 1.22.10 --at /usr/lab-go", 11, "/usr/lab-go"),
    ("goroot stage --tmpfs", 0, "(folder, read-only, copy 1"),
    ("goroot status --json", 0, '"means": "folder"'),
    ("goroot check", 0, "as its sums say"),
    ("goroot unstage", 0, "given back"),
    ("goroot units --to HOME/etc", 0, "lab-goroot-1.22.10.service"),
    ("goroot inject github", 0, "GITHUB_PATH"),
    ("goroot distribute --to HOME/out --url https://mirror/go.tar.gz", 0, "goroot.yaml"),
    ("goroot distribute --rehearse", 12, "needs root"),
    ("goroot release HOME", 0, "0 overlays"),
    ("goroot --home /usr/lab-goroots install 1.22.10 --from TREE", 11, "LAB_GOROOTS"),
    ("goroot remove 1.22.10", 2, "is the current one"),
    ("bench resolution", 0, "environment decides: True"),
    ("bench distribute --set rounds=1", 0, "not measured here: it needs root"),
    ("trace goroot -- HOME/go/bin/go version", 0, "GOROOT"),
    ("verify HOME/claims.yaml --quick --results HOME/results", 0, "cannot be tested here"),
    ("validate HOME/nothing.yaml --results HOME/results", 2, "nothing.yaml"),
    ("doctor", None, "user 65534"),
)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that everybody can reach, and in it a user's home; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="lab-user-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: root only")
def test_what_a_user_without_rights_can_do_works_and_the_rest_says_what_it_needs(
    ground: Path,
) -> None:
    tree = homes.install(Home(cache_dir() / "goroots"), GO, say=lambda _: None)
    home = ground / "home"
    words = {"TREE": str(ground / "tree"), "HOME": str(home)}
    lines = [[_named(word, words) for word in shlex.split(line)] for line, _, _ in DONE]
    (ground / "lines.json").write_text(json.dumps(lines))
    (home / "claims.yaml").write_text(CLAIMS)
    shutil.chown(home, int(NOBODY), int(NOBODY))
    script = _reachable(ground, tree) + f"exec {shlex.join(_as_nobody(ground, home))}\n"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    for (line, code, says), (given, said) in zip(DONE, json.loads(done.stdout), strict=True):
        assert "Traceback" not in said, f"lab {line}\n{said}"
        assert given in ({code} if code is not None else {0, 12}), f"lab {line}\n{said}"
        assert _named(says, words) in said, f"lab {line}\n{said}"


def _named(word: str, words: dict[str, str]) -> str:
    for name, path in words.items():
        word = word.replace(name, path) if word.startswith((name, f"({name}")) else word
    return word


def _as_nobody(ground: Path, home: Path) -> list[str]:
    settings = {"HOME": home, "PYTHONPATH": REPOSITORY, "PYTHONDONTWRITEBYTECODE": 1}
    settings |= {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return [
        *("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"),
        *("env", "-i", *(f"{name}={value}" for name, value in settings.items())),
        *(sys.executable, "-c", DRIVER, str(ground / "lines.json")),
    ]


def _reachable(ground: Path, tree: Path) -> str:
    """Shell lines that let everybody reach the interpreter, the lab and a toolchain.

    They may lie in root's home. Folders that nobody else may enter are covered by empty ones, in
    this test's mount namespace only, in which just these paths are put back.
    """
    needed = {Path(sys.base_prefix), Path(sys.prefix), REPOSITORY}
    lines = [f"mkdir {ground}/tree", f"mount --bind {shlex.quote(str(tree))} {ground}/tree"]
    closed: dict[Path, list[Path]] = {}
    for path in sorted(needed):
        above = next((one for one in (*path.parents[::-1], path) if _shut(one)), None)
        if above is not None:
            closed.setdefault(above, []).append(path)
    for number, (above, paths) in enumerate(closed.items()):
        keep = [f"{ground}/keep-{number}-{index}" for index in range(len(paths))]
        for path, kept in zip(paths, keep, strict=True):
            lines += [f"mkdir {kept}", f"mount --bind {shlex.quote(str(path))} {kept}"]
        lines.append(f"mount -t tmpfs -o mode=755 lab {shlex.quote(str(above))}")
        for path, kept in zip(paths, keep, strict=True):
            lines += [f"mkdir -p {shlex.quote(str(path))}"]
            lines += [f"mount --bind {kept} {shlex.quote(str(path))}"]
    return "\n".join(lines) + "\n"


def _shut(folder: Path) -> bool:
    return folder.exists() and not folder.stat().st_mode & 0o001
