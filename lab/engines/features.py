"""What a Dockerfile asks of its builder, and what an engine of a given version lacks of it.

Versions: docker 20.10.24, 26.1.5, 28.5.2 and podman 4.3.1, 5.4.2, 5.8.6 were tried; what lies
between comes from the release notes of moby, buildkit and buildah, or is the first after one that
lacks it. A version that is not known lacks nothing: the engine itself then says what it cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lab.dockerfile.here_documents import starts
from lab.dockerfile.model import Dockerfile, Instruction
from lab.model import engine_name

Version = tuple[int, ...]
BUILDKIT = "docker"
CLASSIC = "docker-classic"
PODMAN = "podman"

# The first version whose own frontend knows a flag; a `# syntax=` line brings another frontend.
_BUILDKIT_SINCE: Mapping[tuple[str, str], Version] = {
    ("COPY", "link"): (23,),
    ("ADD", "link"): (23,),
    ("ADD", "checksum"): (23,),
    ("ADD", "keep-git-dir"): (23,),
    ("RUN", "network"): (23,),
    ("RUN", "security"): (29,),
    ("COPY", "parents"): (29,),
    ("COPY", "exclude"): (28, 5),
    ("ADD", "exclude"): (28, 5),
}
_NEVER = (10**6,)
_PODMAN_SINCE: Mapping[tuple[str, str], Version] = {
    ("COPY", "link"): (5, 5),
    ("ADD", "link"): (5, 5),
    ("ADD", "keep-git-dir"): _NEVER,
    ("ADD", "checksum"): (5,),
    ("RUN", "network"): (5,),
    ("RUN", "security"): _NEVER,
    ("COPY", "parents"): (5, 5),
    ("COPY", "exclude"): (5,),
    ("ADD", "exclude"): (5,),
}
# The classic builder of docker 28 accepts some of these and passes over them without a word.
_CLASSIC_FLAGS = frozenset(
    {"mount", "network", "security", "device", "link"}
    | {"chmod", "checksum", "keep-git-dir", "parents", "exclude"}
)
# ADD of a git repository: before it the address is taken for a path of the context.
_GIT_SINCE: Mapping[str, Version] = {BUILDKIT: (25,), CLASSIC: _NEVER, PODMAN: _NEVER}
_GIT = re.compile(r"(?:^|[\s\"])(?:git://|git@|(?:https?|ssh)://\S+\.git(?=[\s#\"]))")
_GIT_OF_PODMAN = re.compile(r"(?:^|[\s\"])git://")  # others it fetches, as 5.8.6 does
_HEREDOC_SINCE: Mapping[str, Version] = {BUILDKIT: (23,), PODMAN: (5,)}
# The first version that takes `<< EOF`, with a blank, for the start of one.
_BLANK_SINCE: Mapping[str, Version] = {BUILDKIT: (28, 2), CLASSIC: (28, 2), PODMAN: (5, 6)}


def lacks(
    engine: str, version: str, dockerfile: Dockerfile, *, session: bool = False
) -> tuple[str, ...]:
    """Reasons why this engine cannot do what the Dockerfile asks, in its order; empty if it can.

    ``session``: the engine's own client drives it, which hands over secrets; the lab opens none.
    """
    engine, version = engine_name.family(engine), version or engine_name.version_in(engine)
    number = parse_version(version)
    own_frontend = engine != BUILDKIT or dockerfile.syntax is None
    found: list[str] = []
    for instruction in dockerfile.instructions:
        if own_frontend:
            found += _blanks(engine, version, number, instruction)
        if engine == CLASSIC:
            found += (*_classic(instruction), *_git(engine, version, number, instruction))
            continue
        if own_frontend:
            found += _git(engine, version, number, instruction)
            found += _frontend(engine, version, number, instruction)
        found += _mounts(engine, version, number, instruction, session)
    return tuple(dict.fromkeys(found))


def parse_version(text: str) -> Version:
    """The leading numbers of a version: 20.10.24+dfsg1 is (20, 10, 24). Unknown is the newest."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else (10**6,)


def _classic(instruction: Instruction) -> Iterator[str]:
    if instruction.heredocs:
        yield (
            f"line {instruction.line}: docker-classic does not run here-documents "
            "(newer versions pass over them without an error)"
        )
    for name in dict(instruction.flags):
        if name in _CLASSIC_FLAGS:
            yield (
                f"line {instruction.line}: docker-classic has no "
                f"{instruction.keyword} --{name}; it needs BuildKit"
            )


def _git(engine: str, version: str, number: Version, instruction: Instruction) -> Iterator[str]:
    first = _GIT_SINCE.get(engine)
    if instruction.keyword != "ADD" or first is None or number >= first:
        return
    if (_GIT_OF_PODMAN if engine == PODMAN else _GIT).search(instruction.operands):
        which = f"{engine} {version}".strip()
        yield f"line {instruction.line}: {which} has no ADD of this git repository{_since(first)}"


def _frontend(
    engine: str, version: str, number: Version, instruction: Instruction
) -> Iterator[str]:
    since = _BUILDKIT_SINCE if engine == BUILDKIT else _PODMAN_SINCE
    if instruction.heredocs and engine in _HEREDOC_SINCE and number < _HEREDOC_SINCE[engine]:
        yield (
            f"line {instruction.line}: {engine} {version} has no here-documents "
            f"(since {_shown(_HEREDOC_SINCE[engine])})"
        )
    for name in dict(instruction.flags):
        first = since.get((instruction.keyword, name))
        if engine in _HEREDOC_SINCE and first is not None and number < first:
            yield (
                f"line {instruction.line}: {engine} {version} has no "
                f"{instruction.keyword} --{name}{_since(first)}"
            )


def _blanks(engine: str, version: str, number: Version, instruction: Instruction) -> Iterator[str]:
    """Of `<< NAME`: older builders see no here-document in it, newer ones also in `$((1 << 3))`."""
    keyword, _, rest = instruction.text.partition(" ")
    apart = [start.name for start in starts(keyword, rest) if start.apart]
    if engine not in _BLANK_SINCE or not apart:
        return
    names = ", ".join(f"<< {name}" for name in apart)
    ended = len(instruction.heredocs) == len(starts(keyword, rest))
    if number < _BLANK_SINCE[engine]:
        if ended and number >= _HEREDOC_SINCE.get(engine, _NEVER):
            yield (
                f"line {instruction.line}: {engine} {version} reads no here-document in {names} "
                f"(since {_shown(_BLANK_SINCE[engine])}; without the blank it does)"
            )
    elif not ended:
        yield (
            f"line {instruction.line}: {engine} {version} takes {names} for the start of a "
            "here-document that has no end; write it without the blank"
        )


def _mounts(
    engine: str, version: str, number: Version, instruction: Instruction, session: bool
) -> Iterator[str]:
    if engine not in _HEREDOC_SINCE or instruction.keyword != "RUN":
        return
    for mount in instruction.mounts:
        kind = mount["type"]
        if engine == PODMAN and mount.get("sharing") == "private":
            yield f"line {instruction.line}: podman has no sharing=private on a cache mount"
        if kind in {"secret", "ssh"} and not session:
            yield (
                f"line {instruction.line}: a {kind} mount needs a client's session, "
                "which the lab does not open"
            )
        if kind == "tmpfs":
            own, other = ("tmpfs-size", "size") if engine == PODMAN else ("size", "tmpfs-size")
            if other in mount:
                yield (
                    f"line {instruction.line}: {engine} has no {other}= on a tmpfs mount "
                    f"(there it is {own}=)"
                )
            elif engine == BUILDKIT and own in mount and number < (23,):
                yield (
                    f"line {instruction.line}: {engine} {version} has no size= on a tmpfs mount "
                    "(since 23)"
                )


def _since(version: Version) -> str:
    return "" if version == _NEVER else f" (since {_shown(version)})"


def _shown(version: Version) -> str:
    return ".".join(str(part) for part in version)
