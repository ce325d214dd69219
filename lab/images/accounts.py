"""Who an image knows and whom it trusts: users, groups, certificate authorities."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from lab.images.hygiene import CERTIFICATES
from lab.images.sources.contents import Contents

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
_NAMED = "usr/share/ca-certificates/"  # where Debian keeps each authority under its name


def accounts(held: Contents) -> dict[str, str]:
    """``user NAME`` and ``group NAME``: number, group, home and shell, as passwd(5) has them."""
    found: dict[str, str] = {}
    for fields in _lines(held, "etc/passwd", 7):
        name, _, number, group, _, home, shell = fields
        found[f"user {name}"] = f"{number}:{group} {home} {shell}"
    for name, _, number, members in _lines(held, "etc/group", 4):
        found[f"group {name}"] = f"{number} {members}".strip()
    return found


def certificates(held: Contents) -> tuple[str, ...]:
    """The authorities of the image's bundle, by their file's name where there is one."""
    bundle = next((text for path in CERTIFICATES if (text := held.read(path))), b"")
    names = {
        digest: path.rpartition("/")[2].removesuffix(".crt")
        for path in held.nodes
        if path.startswith(_NAMED) and path.endswith(".crt")
        for digest in _digests(held.read(path) or b"")
    }
    return tuple(sorted(names.get(one, f"sha256:{one}") for one in set(_digests(bundle))))


def _digests(text: bytes) -> list[str]:
    found = []
    for body in _PEM.findall(text.decode(errors="replace")):
        try:
            found.append(hashlib.sha256(base64.b64decode(body)).hexdigest())
        except binascii.Error:
            continue  # no reader would take it for a certificate either
    return found


def _lines(held: Contents, path: str, count: int) -> list[list[str]]:
    text = (held.read(path) or b"").decode(errors="replace")
    rows = (line.split(":") for line in text.splitlines())
    return [row for row in rows if len(row) == count]
