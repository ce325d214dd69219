"""A daemon that exports traces hangs its own below the span of the lab's build."""

from __future__ import annotations

import os
import time
from contextlib import closing

import pytest

from lab.dockerfile.context import Context
from lab.dockerfile.parser import parse
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest
from lab.model.events import ImageBuilt
from lab.model.trace_context import TraceContext
from tests.collectors import collector
from tests.factories import quiet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")
TEXT = "FROM scratch\nCOPY Dockerfile /a\n"


def test_docker_28_joins_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    context = TraceContext.of("a-run")
    with collector() as seen:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", seen.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        with (
            closing(open_engine("docker@28", private=True, say=quiet)) as engine,
            closing(Context.of_files({"Dockerfile": TEXT}).archive()) as archive,
        ):
            request = BuildRequest(
                dockerfile=parse(TEXT),
                dockerfile_path="Dockerfile",
                context=archive,
                tag="localhost/lab/test:traced",
                cold=True,
                traceparent=context.traceparent("b1"),
            )
            assert any(isinstance(event, ImageBuilt) for event in engine.build(request))
            ended = time.monotonic() + 20  # the daemon sends every few seconds
            while "POST /build" not in {one.name for one in seen.spans}:
                assert time.monotonic() < ended, {one.name for one in seen.spans}
                time.sleep(0.1)
    ours = [one for one in seen.spans if one.trace_id.hex() == context.trace_id]
    (post,) = [one for one in ours if one.name == "POST /build"]
    assert post.parent_span_id.hex() == context.span("build", "b1")
    assert "dockerd" in seen.services
