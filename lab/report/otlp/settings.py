"""Whether and where a run's trace, figures and log go: `--otlp`, and the OTEL_ variables of all
tools, https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from lab.model.errors import InputError
from lab.runner.options import Collector

SIGNALS = ("traces", "metrics", "logs")
_HTTP = "http/protobuf"


def collector(asked: str | None, environ: Mapping[str, str]) -> Collector | None:
    """Where to send, or None: nobody asked. ``asked`` is what `--otlp` says.

    Raises InputError where it is no address, or asks for gRPC.
    """
    endpoints: dict[str, str | None] = {}
    if asked is not None:
        endpoints |= _endpoints(asked)
    elif environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
        endpoints |= {signal: None for signal in SIGNALS if _wanted(signal, environ)}
        for signal in endpoints:
            _refuse_grpc(signal, environ)
    if not endpoints:
        return None
    return Collector(endpoints=endpoints, traceparent=environ.get("TRACEPARENT"))


def _wanted(signal: str, environ: Mapping[str, str]) -> bool:
    """Whether the variables name a place for it, and do not switch it off."""
    off = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower() == "none"
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return not off and any(environ.get(name) for name in names)


def _refuse_grpc(signal: str, environ: Mapping[str, str]) -> None:
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    name = next((name for name in names if environ.get(name)), None)
    if name is not None and environ[name] != _HTTP:
        raise InputError(
            f"{name}={environ[name]}: {signal} are sent by {_HTTP} alone",
            remedy=f"give the collector's HTTP address, its port is mostly 4318: "
            f"{name}={_HTTP}; or OTEL_{signal.upper()}_EXPORTER=none",
        )


def _endpoints(asked: str) -> Mapping[str, str]:
    """The address of each signal. Without a path it gets OTLP's own: the SDK adds none to it.

    One that ends as traces' own address does stands for all; any other path is for traces alone.
    """
    parts = urlsplit(asked)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise InputError(
            f"--otlp {asked!r} is no address of a collector",
            remedy="such as --otlp http://127.0.0.1:4318",
        )
    whole = asked.rstrip("/")
    base = whole.removesuffix("/v1/traces")
    if parts.path.strip("/") and base == whole:
        return {"traces": asked}
    return {signal: f"{base}/v1/{signal}" for signal in SIGNALS}
