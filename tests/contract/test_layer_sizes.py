"""The sizes of layers that engines tell, against bytes that were written."""

from __future__ import annotations

from lab.dockerfile.parser import parse
from lab.runner.layer_sizes import with_sizes
from tests.contract.conftest import BASE, Bench

TEXT = (
    "FROM BASE AS build\nRUN head -c 3000000 /dev/urandom > /a\nFROM BASE\n"
    "COPY --from=build /a /a\nENV A=1\nRUN head -c 2000000 /dev/urandom > /b\nLABEL b=1\n"
)


def test_a_layer_is_as_large_as_what_was_written(real_bench: Bench) -> None:
    made = real_bench.build(TEXT)
    history = real_bench.engine.history("localhost/lab/test:built")
    steps = with_sizes(made.steps, parse(TEXT.replace("BASE", BASE)), None, history)
    found = {one.instruction.split(None, 1)[0]: one.layer_bytes for one in steps[2:]}
    assert 3_000_000 <= (found["COPY"] or 0) < 3_030_000
    assert 2_000_000 <= (found["RUN"] or 0) < 2_020_000
    assert steps[1].layer_bytes is None
