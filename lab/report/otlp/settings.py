"""Whether and where a run's trace is sent: `--otlp`, and the OTEL_ variables that all tools share.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from lab.model.errors import InputError
from lab.runner.options import Collector

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"


def collector(asked: str | None, environ: Mapping[str, str]) -> Collector | None:
    """Where to send, or None: nobody asked. ``asked`` is what `--otlp` says.

    Raises InputError where it is no address, or asks for gRPC.
    """
    if asked is None and (_off(environ) or not any(environ.get(name) for name in _ENDPOINTS)):
        return None
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _HTTP)
    if asked is None and protocol != _HTTP:
        raise InputError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: traces are sent by {_HTTP} alone",
            remedy=f"give the collector's HTTP address, its port is mostly 4318: "
            f"OTEL_EXPORTER_OTLP_PROTOCOL={_HTTP}; or OTEL_TRACES_EXPORTER=none",
        )
    return Collector(
        endpoint=None if asked is None else _endpoint(asked),
        traceparent=environ.get("TRACEPARENT"),
    )


def _off(environ: Mapping[str, str]) -> bool:
    return (
        environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none"
    )


def _endpoint(asked: str) -> str:
    """The address of traces. Without a path it gets OTLP's own: the SDK adds none to it."""
    parts = urlsplit(asked)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise InputError(
            f"--otlp {asked!r} is no address of a collector",
            remedy="such as --otlp http://127.0.0.1:4318",
        )
    return asked if parts.path.strip("/") else f"{asked.rstrip('/')}/v1/traces"
