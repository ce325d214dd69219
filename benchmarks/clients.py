"""Builds by the engines' own clients, which hand over secrets: the lab itself opens no session."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.matrix_project import Project
from lab.engines import buildx
from lab.host.process import found


def there(family: str) -> bool:
    """Whether there is a client that builds by this engine and hands secrets over."""
    return family == "docker" or (family == "podman" and found("podman") is not None)


def build(family: str, endpoint: str, built: Project) -> str:
    """What a build's steps print. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="lab-secret-") as folder:
        secret = Path(folder) / "secret"
        secret.write_text(built.secret or "none")
        given = [f"--secret=id={name},src={secret}" for name in ("a", "b")]
        command = (
            ["podman", "--url", endpoint, "build", *given[:1]]
            if family == "podman"
            else [str(buildx.program()), "build", "--progress=plain", "--network=host", *given]
        )
        with closing(built.context.archive()) as tar:
            place = Path(folder) / "context.tar"
            place.write_bytes(tar.open().read())
        context = Path(folder) / "context"
        subprocess.run(["tar", "-xf", place, f"--one-top-level={context}"], check=True)
        done = subprocess.run(
            [*command, "--tag=localhost/lab/matrix:built", str(context)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "DOCKER_CONFIG": folder, "DOCKER_HOST": endpoint},
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}")
    return done.stdout
