"""A build that prints a great deal costs time, not memory, and loses nothing."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from pathlib import Path

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines.protocol import BuildRequest
from lab.model import events
from lab.model.record import HostFacts, Run, ScenarioText
from lab.results import store
from lab.runner.recorder import BuildRecorder
from tests.contract.conftest import BASE, Bench

PRINTED = 200_000_000
# BuildKit passes on 200 KiB a second and 2 MiB a step: what it does not send, the lab cannot lose.
# (Without that limit 20.10 itself does not come to an end with such a step.)
CLIPPED = 100_000


def test_200_mb_of_log_are_streamed_through(real_bench: Bench, tmp_path: Path) -> None:
    text = f"FROM {BASE}\nRUN yes 0123456789abcdef0123456789abcdef | head -c {PRINTED}\n"
    parsed = parser.parse(text)
    recorder, size, raw = BuildRecorder(parsed), 0, 0
    head = Run(
        id="loud",
        status="partial",
        scenario=ScenarioText(name="loud", path=None, sha256="0" * 64, text=""),
        host=HostFacts(),
        engines=(),
        seed=1,
        started="2026-11-23T10:00:00Z",
    )
    with (
        closing(Context.of_files({"Dockerfile": text}).archive()) as archive,
        store.create(tmp_path, head) as writer,
    ):
        request = BuildRequest(
            dockerfile=parsed,
            dockerfile_path="Dockerfile",
            context=archive,
            tag="localhost/lab/test:log",
            cold=True,
        )
        writer.begin("loud")
        tracemalloc.start()
        try:
            for event in real_bench.engine.build(request):
                recorder.add(event)
                if isinstance(event, events.Raw):
                    writer.raw(event.at, event.data)
                    raw += 1
                elif isinstance(event, events.Log):
                    size += len(event.data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        writer.begin("next")
        kept = sum(1 for _ in store.events(writer.folder, "loud"))
    assert recorder.result().status == "ok"
    assert peak < 50e6
    assert kept == raw
    if real_bench.family == "docker":
        assert CLIPPED < size <= PRINTED
    else:
        assert size == PRINTED
