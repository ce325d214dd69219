"""Members of layers that would lead out of the image's root, or that engines refuse or drop.

The lab itself never unpacks a layer by its names: it reads members where they are in the tar. What
unpacks layers elsewhere may be less careful.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator

from lab.images.sources.contents import Contents, Node
from lab.model.finding import Finding

_DEVICES = {tarfile.CHRTYPE: "character device", tarfile.BLKTYPE: "block device"}


def findings(held: Contents) -> tuple[Finding, ...]:
    """What is wrong with the names, links and kinds of all members of all layers."""
    found: list[Finding] = []
    for path, node in (*held.nodes.items(), *held.hidden):
        found += _of_name(path, node)
        found += _of_link(path, node)
        if node.kind in _DEVICES:
            found.append(
                Finding(
                    rule="device-node",
                    level="warning",
                    place=f"/{path}",
                    message=f"a {_DEVICES[node.kind]} in layer {node.layer + 1}: an engine without "
                    "root cannot unpack it, and containers get a /dev of their own",
                    remedy="leave device nodes out of images",
                )
            )
        if node.kind == tarfile.GNUTYPE_SPARSE:
            found.append(
                Finding(
                    rule="sparse-file",
                    level="warning",
                    place=f"/{path}",
                    message=f"a sparse file of {node.size} bytes in layer {node.layer + 1}: "
                    "engines write all of it out, and the lab does not read it",
                    remedy="leave it out of the image: let the container make it",
                )
            )
    found += _through_links(held)
    return tuple(found)


def _of_name(path: str, node: Node) -> Iterator[Finding]:
    parts = node.written.split("/")
    if ".." in parts:
        yield Finding(
            rule="path-escapes",
            level="error",
            place=f"/{path}",
            message=f"layer {node.layer + 1} has a member named {node.written!r}: it leads out of "
            "the root, and engines refuse such a layer",
            remedy="make the layer again with names below its root",
        )
    elif node.written.startswith("/"):
        yield Finding(
            rule="absolute-name",
            level="warning",
            place=f"/{path}",
            message=f"layer {node.layer + 1} names {node.written!r} from the root of whatever "
            "unpacks it",
            remedy="make the layer again with relative names",
        )


def _of_link(path: str, node: Node) -> Iterator[Finding]:
    if node.hardlink is not None:
        target = node.hardlink
        if target.startswith("/") or ".." in target.split("/"):
            yield Finding(
                rule="link-escapes",
                level="error",
                place=f"/{path}",
                message=f"a hard link to {target!r}, which leads out of the root where it is "
                "taken as written",
                remedy="make the layer again with links below its root",
            )
    elif node.symlink is not None and _climbs(path, node.symlink):
        yield Finding(
            rule="link-escapes",
            level="warning",
            place=f"/{path}",
            message=f"a link to {node.symlink!r}, which climbs above the root: a container stays "
            "inside, tools on the host may not",
            remedy="let it name its target from the root, or by fewer '..'",
        )


def _climbs(path: str, target: str) -> bool:
    depth = 0 if target.startswith("/") else path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in {"", "."} else 1
        if depth < 0:
            return True
    return False


def _through_links(held: Contents) -> Iterator[Finding]:
    """Members whose folder is a link in the same layer: written through it, to where it leads."""
    links = {
        (node.layer, path): node.symlink
        for path, node in held.nodes.items()
        if node.symlink is not None
    }
    for path, node in held.nodes.items():
        folder = posixpath.dirname(path)
        while folder:
            target = links.get((node.layer, folder))
            if target is not None:
                yield Finding(
                    rule="written-through-link",
                    level="error",
                    place=f"/{path}",
                    message=f"layer {node.layer + 1} writes it through /{folder}, which is a link "
                    f"to {target!r} in the same layer",
                    remedy="make the layer again: a folder cannot be a link too",
                )
            folder = posixpath.dirname(folder)
