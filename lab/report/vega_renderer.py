"""Charts drawn without a browser, and the script that draws them in one: vl-convert's only door."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import Any

from lab.host.disk import write
from lab.host.paths import cache_dir
from lab.model.errors import LabError

VEGA_LITE = "6.4"
FOLDER = "charts"
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
    """A specification as a PNG picture, at twice the size for sharp screens."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=2.0))
