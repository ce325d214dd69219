"""The job of a CI system that builds with a strategy: the commands, and the file around them. Pure.

The commands are those that the lab measures the strategy by, with each client's own options.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import FILE_SYSTEM
from lab.engines import remote_caches

System = Literal["github", "gitlab"]
SYSTEMS: tuple[System, ...] = get_args(System)
# What `local` leaves, for the CI system to carry to the next job; it must lie among the sources for
# that, but not while they are sent to be built.
_CARRIED, _AWAY = ".build-cache", "/tmp/build-cache"  # noqa: S108 - of a job's own machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is built, by paths in the repository. ``stages`` are those that the last one needs, by
    name or number, that make layers.
    """

    dockerfile: str
    context: str
    stages: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    target: str | None = None


def stages(dockerfile: Dockerfile, target: str | None) -> tuple[str, ...]:
    """The stages that `stage-images` pushes beside the last one."""
    last = dockerfile.target(target)
    found = []
    for number in sorted(dockerfile.needed(target) - {last}):
        stage = dockerfile.stages[number]
        if FILE_SYSTEM & {dockerfile.instructions[one].keyword for one in stage.instructions}:
            found.append(stage.name if stage.named else str(number))
    return tuple(found)


def job(system: System, strategy: str, project: Project) -> str:
    """The job's file."""
    commands = _commands(strategy, project, _BUILDERS[system])
    tool = "podman" if strategy == remote_caches.PODMANS else "docker"
    if system == "github":
        return _github(tool, commands, carries=strategy == "local")
    return _gitlab(tool, commands, carries=strategy == "local")


def _commands(strategy: str, project: Project, builder: str) -> list[str]:
    given = ["--file", project.dockerfile]
    for one in project.build_args:
        given += ["--build-arg", one]
    if project.target is not None:
        given += ["--target", project.target]
    rest = shlex.join(given), shlex.quote(project.context)
    match strategy:
        case "inline":
            return [
                _line("docker build", rest, '--cache-from "$IMAGE:latest"', _INLINE, _NAMED),
                *_pushed("docker"),
            ]
        case "stage-images":
            return _stage_images(project, rest)
        case "registry-min" | "registry-max":
            cache = "type=registry,ref=$IMAGE:cache"
            mode = strategy.partition("-")[2]
            caches = f'--cache-from "{cache}" --cache-to "{cache},mode={mode}"'
            return [builder, _line("docker buildx build --push", rest, caches, _NAMED)]
        case "local":
            caches = (
                f"--cache-from type=local,src={_AWAY} "
                f"--cache-to type=local,dest={_AWAY}-new,mode=max"
            )
            return [
                builder,
                f"mkdir -p {_CARRIED} && mv {_CARRIED} {_AWAY}",
                _line("docker buildx build --push", rest, caches, _NAMED),
                f"mv {_AWAY}-new {_CARRIED}",  # written anew, or it would grow with every job
            ]
        case remote_caches.PODMANS:
            caches = '--layers --cache-from "$IMAGE/cache" --cache-to "$IMAGE/cache"'
            return [_line("podman build", rest, caches, _NAMED), *_pushed("podman")]
        case _:
            return [_line("docker build", rest, _NAMED), *_pushed("docker")]


_INLINE = "--build-arg BUILDKIT_INLINE_CACHE=1"
_NAMED = '--tag "$IMAGE:latest" --tag "$IMAGE:$REVISION"'
_GITLAB_IMAGES = {
    "docker": ["  image: docker:28", "  services: [docker:28-dind]"],
    "podman": ["  image: quay.io/podman/stable"],
}
# Docker's own builder exports these from containerd's store alone. Over TLS, as to docker:dind,
# buildx takes a builder's address from a context, not from the environment.
_BUILDERS: Mapping[System, str] = {
    "github": "docker buildx create --use",
    "gitlab": "docker context create lab && docker buildx create --use lab",
}


def _pushed(tool: str) -> list[str]:
    return [f'{tool} push "$IMAGE:{tag}"' for tag in ("latest", "$REVISION")]


def _stage_images(project: Project, rest: tuple[str, str]) -> list[str]:
    """Each stage is an image of its own. All are read, whichever is built."""
    names = [f"$IMAGE:cache-{number}" for number in range(len(project.stages))]
    caches = " ".join(f'--cache-from "{name}"' for name in (*names, "$IMAGE:latest"))
    commands = [_line("docker build", rest, caches, _INLINE, _NAMED)]
    given, context = rest
    if project.target is not None:
        given = given.removesuffix(f" --target {shlex.quote(project.target)}")
    for name, stage in zip(names, project.stages, strict=True):
        of_stage = f"{given} --target {shlex.quote(stage)}", context
        commands.append(_line("docker build", of_stage, _INLINE, f'--tag "{name}"'))
    return [*commands, 'docker push --all-tags "$IMAGE"']


def _line(command: str, rest: tuple[str, str], *options: str) -> str:
    return " ".join((command, rest[0], *options, rest[1]))


def _github(tool: str, commands: Sequence[str], *, carries: bool) -> str:
    lines = [
        "name: image",
        "on: [push]",
        "jobs:",
        "  image:",
        "    runs-on: ubuntu-latest",
        "    permissions: {contents: read, packages: write}",
        "    env:",
        "      IMAGE: ghcr.io/${{ github.repository }} # in lower case",
        "      REVISION: ${{ github.sha }}",
        "    steps:",
        "      - uses: actions/checkout@v4",
    ]
    if carries:
        lines += [
            "      - uses: actions/cache@v4",
            "        with:",
            f"          path: {_CARRIED}",
            "          key: image-${{ github.sha }}",
            "          restore-keys: image-",
        ]
    login = f'echo "$TOKEN" | {tool} login ghcr.io --username "$USER" --password-stdin'
    lines += [
        f"      - run: {login}",
        "        env:",
        "          TOKEN: ${{ secrets.GITHUB_TOKEN }}",
        "          USER: ${{ github.actor }}",
        "      - run: |",
        *(f"          {command}" for command in commands),
    ]
    return "\n".join(lines) + "\n"


def _gitlab(tool: str, commands: Sequence[str], *, carries: bool) -> str:
    lines = ["build-image:", "  stage: build", *_GITLAB_IMAGES[tool]]
    lines += ["  variables:", "    IMAGE: $CI_REGISTRY_IMAGE", "    REVISION: $CI_COMMIT_SHA"]
    if carries:
        lines += ["  cache:", f"    paths: [{_CARRIED}]"]
    user = '--username "$CI_REGISTRY_USER" --password-stdin'
    login = f'echo "$CI_REGISTRY_PASSWORD" | {tool} login "$CI_REGISTRY" {user}'
    lines += ["  script:", *(f"    - {_scalar(one)}" for one in (login, *commands))]
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """As YAML has it in single quotes: there only they are doubled."""
    return "'" + text.replace("'", "''") + "'"
