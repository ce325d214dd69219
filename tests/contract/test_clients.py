"""What `lab context` says of two contexts, against builds by a real client from a folder.

The lab's own builds send an archive. Docker's buildx sends what the daemon asks it for, over a
session: owners are root's there, and a Dockerfile that .dockerignore names is kept back.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.caching.manifests import Manifest, differences, scan
from lab.caching.manifests.effects import Built, effects
from lab.dockerfile.parser import parse
from lab.engines import buildx
from lab.engines.protocol import Engine

TEXT = "FROM scratch\nCOPY run.sh /\nCOPY src/ /src/\nCOPY . /all/\n"
STEP = re.compile(r"^#(\d+) \[[^]]*\d+/\d+\] (COPY .*)$", re.MULTILINE)


def manifest(folder: Path) -> Manifest:
    found = scan(folder)
    return Manifest(head=found.head, items={item.path: item for item in found.items})


def ran(endpoint: str, folder: Path) -> set[str]:
    """The steps that buildx ran: all that it does not call CACHED."""
    environment = {**os.environ, "DOCKER_HOST": endpoint, "BUILDKIT_PROGRESS": "plain"}
    environment["DOCKER_CONFIG"] = str(folder.parent / "nobodys")
    command = [str(buildx.program()), "build", "--tag", "localhost/lab/test:client", str(folder)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    cached = set(re.findall(r"^#(\d+) CACHED$", done.stderr, re.MULTILINE))
    steps = dict(STEP.findall(done.stderr))
    assert len(steps) == 3, done.stderr
    return {text for number, text in steps.items() if number not in cached}


def crlf(folder: Path) -> None:
    (folder / "src/a.go").write_bytes(b"a\r\nb\r\n")


def umask(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & 0o777 | 0o020)


def owners(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.chown(path, 1000, 1000)


def times(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


CHANGES: tuple[tuple[str, Callable[[Path], object]], ...] = (
    ("nothing", lambda _: None),
    ("times", times),
    ("owners", owners),
    ("executable", lambda folder: (folder / "run.sh").chmod(0o644)),
    ("line-ends", crlf),
    ("extra", lambda folder: (folder / "src/new").write_text("new")),
    ("umask", umask),
    ("content", lambda folder: (folder / "Dockerfile").write_text(f"# another\n{TEXT}")),
)


def test_two_contexts_miss_where_it_says(engines: Callable[[str], Engine], tmp_path: Path) -> None:
    """One change after the other, each built; nobody's configuration is read."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "src").mkdir()
    for name, text in {"run.sh": "#!/bin/sh\n", "src/a.go": "a\nb\n", "Dockerfile": TEXT}.items():
        (folder / name).write_text(text)
    (folder / "run.sh").chmod(0o755)
    (folder / ".dockerignore").write_text("Dockerfile\n")
    facts = engines("docker").facts()
    built = Built(
        dockerfile=parse(TEXT), build_args={}, target=None, engines=[("docker", facts.version)]
    )
    ran(facts.endpoint, folder)
    for kind, change in CHANGES:
        before = manifest(folder)
        change(folder)
        now = manifest(folder)
        groups = differences(before, now)
        assert {group.kind for group in groups} - {"times"} == {kind} - {"times", "nothing"}
        (effect,) = effects(before, groups, built).whole
        told = {part.step.instruction for part in effect.missed}
        assert ran(facts.endpoint, folder) == told, kind
