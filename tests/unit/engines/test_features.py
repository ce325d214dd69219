"""What a Dockerfile asks and an engine of a version lacks."""

from __future__ import annotations

import pytest

from lab.dockerfile.parser import parse
from lab.engines import docker_cache
from lab.engines.features import lacks, parse_version

HEREDOC = "FROM x\nRUN <<E\ntrue\nE\n"
APART = "FROM x\nRUN << E\ntrue\nE\n"
SHIFT = "FROM x\nRUN echo $((1 << 3))\n"
BIND = "FROM x\nRUN --mount=type=bind,target=/m true\n"
LINK = "FROM x\nCOPY --link a /a\n"
NETWORK = "FROM x\nRUN --network=none true\n"
TMPFS = "FROM x\nRUN --mount=type=tmpfs,target=/t true\n"
SIZED = "FROM x\nRUN --mount=type=tmpfs,target=/t,size=64m true\n"
PODMAN_SIZED = "FROM x\nRUN --mount=type=tmpfs,target=/t,tmpfs-size=64m true\n"
EXCLUDE = "FROM x\nCOPY --exclude=x a /a\n"
PARENTS = "FROM x\nCOPY --parents a /a\n"
SECURITY = "FROM x\nRUN --security=sandbox true\n"
PRIVATE = "FROM x\nRUN --mount=type=cache,target=/c,sharing=private true\n"
HIDDEN = "FROM x\nRUN --mount=type=secret,id=s true\n"


@pytest.mark.parametrize(
    ("engine", "version", "able", "unable"),
    [
        (
            "docker",
            "20.10.24+dfsg1",
            [BIND, TMPFS, SHIFT],
            [HEREDOC, APART, LINK, NETWORK, SIZED, HIDDEN],
        ),
        (
            "docker",
            "28.5.2",
            [BIND, TMPFS, HEREDOC, LINK, NETWORK, SIZED, APART],
            [PODMAN_SIZED, HIDDEN, SHIFT],
        ),
        # As contract/test_cache_matrix.py and hand-made builds saw them refuse and take it.
        ("docker", "26.1.5", [LINK, HEREDOC, SIZED, PRIVATE], [EXCLUDE, PARENTS, SECURITY]),
        ("docker@26", "", [LINK, HEREDOC, SIZED, PRIVATE], [EXCLUDE, PARENTS, SECURITY]),
        ("docker@28/containerd", "28.5.2", [LINK, EXCLUDE, PRIVATE], [PARENTS, SECURITY]),
        (
            "podman@5.4",
            "5.4.2",
            [HEREDOC, NETWORK, EXCLUDE, SHIFT],
            [LINK, PARENTS, SECURITY, PRIVATE, APART],
        ),
        ("podman@5.8", "5.8.6", [LINK, PARENTS, EXCLUDE], [SECURITY, PRIVATE]),
        ("docker", "31.0.0-rc.1", [BIND, HEREDOC, LINK, SIZED], [HIDDEN]),
        ("docker", "unheard of", [BIND, HEREDOC, LINK, SIZED], [HIDDEN]),
        ("docker-classic", "20.10.24", ["FROM x\nRUN true\n"], [HEREDOC, BIND, LINK, TMPFS]),
        ("docker-classic", "28.5.2", ["FROM x\nRUN true\n"], [HEREDOC, BIND, LINK, TMPFS, SHIFT]),
        ("podman", "4.3.1", [BIND, TMPFS, PODMAN_SIZED], [HEREDOC, LINK, NETWORK, SIZED]),
        ("podman", "5.8.6", [BIND, HEREDOC, LINK, NETWORK, PODMAN_SIZED], [SIZED, HIDDEN]),
        ("simulated", "1", [BIND, HEREDOC, LINK, SIZED, HIDDEN], []),
    ],
)
def test_what_an_engine_lacks(
    engine: str, version: str, able: list[str], unable: list[str]
) -> None:
    for text in able:
        assert lacks(engine, version, parse(text)) == ()
    for text in unable:
        (reason,) = lacks(engine, version, parse(text))
        assert reason.startswith("line 2: ")


def test_a_syntax_line_brings_its_own_frontend() -> None:
    assert lacks("docker", "20.10.24", parse("# syntax=docker/dockerfile:1\n" + HEREDOC)) == ()
    assert lacks("docker-classic", "28", parse("# syntax=docker/dockerfile:1\n" + HEREDOC))


def test_versions_are_read_not_assumed() -> None:
    assert parse_version("20.10.24+dfsg1") == (20, 10, 24)
    assert parse_version("v5.8.6-dev") == (5, 8, 6)
    assert parse_version("") > (1000,)


def test_a_cache_mount_that_is_not_the_labs_is_named() -> None:
    text = "FROM x\nRUN --mount=type=cache,{} true\n"
    own = parse(text.format("id=lab-go,target=/c"))
    assert docker_cache.foreign_mounts(own) == ()
    for mount in ("target=/c", "id=go,target=/c", "id=$X,target=/c"):
        (reason,) = docker_cache.foreign_mounts(parse(text.format(mount)))
        assert "--private" in reason


STEP = "mount / from exec /bin/sh -c echo  a && b"
CONTEXT = "http url http://build-context-x"
NEW: list[dict[str, object]] = [
    {"ID": "old", "Description": STEP},
    {"ID": "run", "Parent": "old", "Description": "mount / from exec /bin/sh -c echo  a  && b"},
    {"ID": "copy", "Parent": "run", "Description": "fileop target"},
    {"ID": "named", "Parents": ["copy"], "Description": "[stage-1 2/3] COPY f /f"},
    {"ID": "spaced", " Parents": ["named"], "Description": "fileop target"},
    {"ID": "sent", "Description": CONTEXT},
    {"ID": "from", "Description": "from local "},
]
# What somebody else's build leaves, by its way to the daemon: it reads its Dockerfile too.
OTHERS: dict[str, dict[str, object]] = {
    "an archive": {"ID": "theirs", "Description": CONTEXT},
    "a session": {"ID": "theirs", "Type": "source.local", "UsageCount": 1},
    "a session again": {"ID": "session", "Type": "source.local", "UsageCount": 3},
    "git": {"ID": "theirs", "Type": "source.git.checkout", "UsageCount": 1},
}


def own(records: list[dict[str, object]]) -> list[str]:
    endings = docker_cache.texts(parse("FROM x\nRUN echo  a \\\n && b\nCOPY f /f\n"))
    return docker_cache.own_records(records, ["old 0", "session 2"], endings, 1)


def test_what_is_new_is_ours_where_nobody_else_built() -> None:
    quiet = [*NEW, {"ID": "session", "Type": "source.local", "UsageCount": 2}]
    assert set(own(quiet)) == {"run", "copy", "named", "spaced", "sent", "from"}
    order = [name for name in own(quiet) if name not in {"sent", "from"}]
    assert order == ["spaced", "named", "copy", "run"], "children before their parents"


@pytest.mark.parametrize("way", OTHERS)
def test_only_what_is_described_as_ours_is_where_others_build_too(way: str) -> None:
    assert own([*NEW, OTHERS[way]]) == ["spaced", "named", "copy", "run"]
