"""What a private daemon is told of the collector that its owner's OTEL_ variables name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LOOPBACK = re.compile(r"(?<=://)(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|$)")
_DELAY = "OTEL_BSP_SCHEDULE_DELAY"
_DELAY_MS = "20"
HOST = "10.0.2.2"  # the host's loopback, as slirp4netns shows it to a network namespace


def reachable(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables anew that must be others for the daemon.

    An address that is this host's loopback is another one there. And dockerd (28.5) gathers spans
    for five seconds, which it does not send when it is stopped: a run's last builds had none.
    """
    named = [name for name in _ENDPOINTS if name in environ]
    found = {name: _LOOPBACK.sub(HOST, environ[name]) for name in named}
    if named and _DELAY not in environ:
        found[_DELAY] = _DELAY_MS
    return {name: value for name, value in found.items() if value != environ.get(name)}
