"""Layers of an image's history given to the steps that made them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lab.dockerfile.parser import parse
from lab.engines.image_history import entries
from lab.engines.protocol import HistoryEntry
from lab.model.record import Step
from lab.runner.layer_sizes import with_sizes

DOCKERFILE = parse(
    "FROM base AS build\nRUN make\nFROM base AS between\nRUN one\nFROM between\nENV A=1\n"
    'COPY --from=build /app /app\nWORKDIR /w\nRUN two\nCMD ["/app"]\n'
)
STEPS = tuple(
    Step(index=one.index, stage="", instruction=one.text, outcome=None)
    for one in DOCKERFILE.instructions
)
BUILDKIT = (
    "/bin/sh -c #(nop) ADD file:1 in /",
    "RUN /bin/sh -c one # buildkit",
    "ENV A=1",
    "COPY /app /app # buildkit",
    "WORKDIR /w",
    "RUN /bin/sh -c two # buildkit",
    'CMD ["/app"]',
)
CLASSIC = (
    "/bin/sh -c #(nop) ADD file:1 in /",
    "/bin/sh -c one",
    "/bin/sh -c #(nop)  ENV A=1",
    "/bin/sh -c #(nop) COPY file:2 in /app",
    "/bin/sh -c #(nop) WORKDIR /w",
    "|1 A=1 /bin/sh -c two",
    '/bin/sh -c #(nop)  CMD ["/app"]',
)


def sizes(told: Sequence[str]) -> dict[str, int | None]:
    history = [HistoryEntry(created_by=text, size_bytes=n) for n, text in enumerate(told)]
    found = with_sizes(STEPS, DOCKERFILE, None, history)
    return {one.instruction: one.layer_bytes for one in found}


@pytest.mark.parametrize("told", [BUILDKIT, CLASSIC], ids=["buildkit", "classic"])
def test_each_step_of_the_image_has_its_layer(told: Sequence[str]) -> None:
    found = sizes(told)
    assert found["RUN one"] == 1, "of the stage that it is FROM"
    assert found["COPY --from=build /app /app"] == 3
    assert found["RUN two"] == 5
    assert found["RUN make"] is None, "of a stage that is not in the image"


@pytest.mark.parametrize("told", [BUILDKIT[4:], (*BUILDKIT, "COPY x /"), ()])
def test_a_history_that_does_not_fit_gives_none(told: Sequence[str]) -> None:
    assert set(sizes(told).values()) == {None}


def test_engines_tell_the_newest_first() -> None:
    told = [{"CreatedBy": "RUN b", "Size": 2}, {"CreatedBy": "RUN a", "Size": 0}, {}]
    assert [(one.created_by, one.size_bytes) for one in entries(told)] == [
        ("", None),
        ("RUN a", 0),
        ("RUN b", 2),
    ]
    assert entries(None) == ()
