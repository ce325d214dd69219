"""Charts drawn without a browser, and the script that draws them in one: vl-convert's only door."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import Any

from lab.host.disk import write
from lab.host.paths import cache_dir
from lab.model.errors import LabError

VEGA_LITE = "6.4"
FOLDER = "charts"
SCALES = (2.0, 1.5, 1.0)
MOST = 290_000  # bytes of a picture: it is loaded with every look at a change request
SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def script() -> str:
    """Vega with its embedding as one script; it defines ``window.vegaEmbed``.

    To put it together takes two seconds, so that it is kept in the lab's cache, by its versions.
    """
    import vl_convert

    name = f"vega-{VEGA_LITE}-{version('vl-convert-python')}.js"
    with suppress(LabError, OSError, UnicodeDecodeError):
        return (cache_dir() / FOLDER / name).read_text(encoding="utf-8")
    made = str(vl_convert.javascript_bundle(SNIPPET, vl_version=VEGA_LITE))
    with suppress(LabError):  # a cache that cannot be written costs no report
        write(cache_dir() / FOLDER, name, made)
    return made


def compiled(spec: dict[str, Any]) -> dict[str, Any]:
    """A Vega-Lite specification as Vega, which the page draws without compiling it again."""
    import vl_convert

    return dict(vl_convert.vegalite_to_vega(spec, vl_version=VEGA_LITE))


def svg(spec: dict[str, Any]) -> str:
    """A specification as an SVG picture."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


def png(spec: dict[str, Any]) -> bytes:
    """A specification as a PNG picture of at most MOST bytes where its sharpness allows it.

    At twice the size for sharp screens, else at less. vl-convert packs fast rather than small: its
    pixels are packed anew, which leaves about a quarter.
    """
    import vl_convert

    made = b""
    for scale in SCALES:
        made = _packed(bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=scale)))
        if len(made) <= MOST:
            break
    return made


def _packed(picture: bytes) -> bytes:
    """The same PNG with its pixels packed as small as zlib can (RFC 2083: chunks of length, type,
    data and CRC; all IDAT chunks together are one zlib stream)."""
    head, pixels, place = [picture[:8]], b"", 8
    while place < len(picture):
        length, kind = struct.unpack(">I4s", picture[place : place + 8])
        whole = picture[place : place + 12 + length]
        place += len(whole)
        if kind == b"IDAT":
            pixels += whole[8:-4]
        elif kind != b"IEND":
            head.append(whole)
    data = b"IDAT" + zlib.compress(zlib.decompress(pixels), 9)
    body = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"".join([*head, body, end])
