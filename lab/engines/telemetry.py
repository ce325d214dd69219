"""What a private daemon is told of the collector that its owner's OTEL_ variables name."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LOOPBACK = re.compile(r"(?<=://)(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|$)")
_DELAY = "OTEL_BSP_SCHEDULE_DELAY"
_DELAY_MS = "20"
_LEAVE_S = 0.5  # 25 times that, for a busy host and a collector that answers late
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


def leave(environ: Mapping[str, str]) -> None:
    """Wait until a daemon's last spans are on their way: it is killed next, and sends none then."""
    if any(name in environ for name in _ENDPOINTS):
        time.sleep(_LEAVE_S)
