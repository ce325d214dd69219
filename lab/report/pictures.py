"""Charts drawn without a browser, and the script that draws them in one: vl-convert's only door."""

from __future__ import annotations

from functools import cache
from typing import Any

VEGA_LITE = "6.4"
SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def script() -> str:
    """Vega with its embedding as one script; it defines ``window.vegaEmbed``. Takes a second."""
    import vl_convert

    return str(vl_convert.javascript_bundle(SNIPPET, vl_version=VEGA_LITE))


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
