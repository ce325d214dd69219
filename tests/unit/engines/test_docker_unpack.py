"""A store that lost a snapshot while it unpacked the image: the way round, and what is told."""

from __future__ import annotations

from collections.abc import Iterator

from lab.engines.docker_unpack import NOTE, exported
from lab.model.events import (
    BuildError,
    Event,
    Finished,
    ImageBuilt,
    Note,
    Outcome,
    Raw,
    StepEnded,
)

# As docker 28.5.2 said it.
FAULT = (
    'failed to prepare extraction snapshot "extract-875100591-lecp sha256:12983b9a": parent '
    "snapshot sha256:34e456c5 does not exist: not found"
)
STEP = StepEnded(1.0, 0, 1.0, Outcome.MISS)


def of(*told: Event) -> Iterator[Event]:
    return iter(told)


def never() -> Iterator[Event]:
    raise AssertionError("nothing was to be built again")


def test_a_build_that_went_well_or_failed_otherwise_is_told_as_it_is() -> None:
    well = [STEP, ImageBuilt(2.0, "sha256:1"), Finished(2.0)]
    assert list(exported(of(*well), never)) == well
    failed = [STEP, BuildError(2.0, "exit code: 7", 7), Finished(2.0)]
    assert list(exported(of(*failed), never)) == failed


def test_a_lost_snapshot_is_exported_again_and_only_the_image_is_told_of_that() -> None:
    def again() -> Iterator[Event]:
        return of(
            Raw(0.1, b"{}"),
            StepEnded(0.2, 0, 0.2, Outcome.HIT),
            ImageBuilt(0.5, "sha256:1"),
            Finished(0.6),
        )

    told = exported(of(STEP, BuildError(2.0, FAULT), Finished(2.0)), again)
    assert list(told) == [STEP, Note(2.0, NOTE), ImageBuilt(2.5, "sha256:1"), Finished(2.6)]


def test_what_fails_again_and_again_is_told_at_last() -> None:
    asked = 0

    def again() -> Iterator[Event]:
        nonlocal asked
        asked += 1
        return of(BuildError(1.0, FAULT), Finished(1.0))

    told = list(exported(of(BuildError(1.0, FAULT), Finished(1.0)), again))
    assert asked == 2
    assert told == [Note(1.0, NOTE), Note(2.0, NOTE), BuildError(3.0, FAULT), Finished(3.0)]


def test_another_failure_of_the_second_request_is_told() -> None:
    def again() -> Iterator[Event]:
        return of(BuildError(0.5, "disk full"), Finished(0.5))

    told = list(exported(of(BuildError(1.0, FAULT), Finished(1.0)), again))
    assert told == [Note(1.0, NOTE), BuildError(1.5, "disk full"), Finished(1.5)]
