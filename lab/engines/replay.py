"""A build repeated by hand: the commands of the clients docker and podman, which differ in name."""

from __future__ import annotations

import shlex

from lab.engines.protocol import ReplayRequest


def command(program: str, replay: ReplayRequest, *, buildkit: bool | None = None) -> str:
    """The commands on one line. ``buildkit`` chooses the builder of the client docker."""
    before = [[program, "load", "-i", str(path)] for path in replay.images]
    before += [[program, "tag", source, ref] for source, ref in replay.tags]
    words = [program, "build", "-f", replay.dockerfile_path]
    for name, value in sorted(replay.build_args.items()):
        words += ["--build-arg", f"{name}={value}"]
    if replay.target is not None:
        words += ["--target", replay.target]
    prefix = "" if buildkit is None else f"DOCKER_BUILDKIT={int(buildkit)} "
    build = f"{prefix}{shlex.join(words)} - < {replay.context}"
    return " && ".join([*map(shlex.join, before), build])
