"""A public Dockerfile made one that can be built without a network, its structure as it was."""

from __future__ import annotations

import re

from lab.dockerfile.model import Dockerfile, DockerfileError, Instruction
from lab.dockerfile.parser import parse

MOST_RUNS = 12
_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@")


def offline(text: str) -> str:
    """Without a frontend that is elsewhere, digests of images and other platforms."""
    text = re.sub(r"(?im)\A((?:#.*\n)*?)#\s*syntax\s*=.*$", r"\1#", text)
    text = re.sub(r"@sha256:[0-9a-f]{64}", "", text)
    return re.sub(r"(?im)^(\s*FROM\s+)--platform=\S+\s+", r"\1", text)


def hindrance(parsed: Dockerfile) -> str | None:
    """Why it cannot be built here; None where it can."""
    needed = parsed.needed()
    own = [one for one in parsed.instructions if one.stage in needed]
    runs = [one for one in own if one.keyword == "RUN"]
    if not runs or len(runs) > MOST_RUNS:
        return "no RUN" if not runs else "many RUNs"
    if not any(one.keyword in {"COPY", "ADD"} and one.flag("from") is None for one in own):
        return "copies nothing"
    if parsed.escape != "\\" or any("powershell" in one.text for one in own):
        return "for Windows"
    if any("$" in stage.base or not stage.base for stage in parsed.stages):
        return "its base is in an argument without a default"
    return next(filter(None, map(_needs, own)), None)


def _needs(one: Instruction) -> str | None:
    if one.keyword in {"ADD", "ONBUILD"} and _REMOTE.search(one.operands):
        return "reads from a network"
    if any(mount["type"] in {"secret", "ssh"} for mount in one.mounts):
        return "needs secrets"
    privileged = {"security", "device", "platform"} & set(dict(one.flags))
    return "needs privileges" if privileged else None


def buildable(text: str) -> tuple[str, Dockerfile] | None:
    """The text to build, and what it is parsed as; None where it cannot be built here."""
    made = offline(text)
    try:
        parsed = parse(made)
    except DockerfileError:
        return None
    return None if hindrance(parsed) else (made, parsed)
