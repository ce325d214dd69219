"""Assertions asked of images, those about commands in containers of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.engines import open_engine
from lab.images.opened import Opened
from lab.model.finding import Finding
from lab.validate.assertions import Assertions
from lab.validate.container_exec import runs_in
from lab.validate.matrix import Validation
from lab.validate.results import Asked
from lab.validate.structure import Runs, broken

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def runner(asked: Asked, say: Callable[[str], None]) -> Iterator[Callable[[Opened], Runs]]:
    """Gives for an image what runs commands in it; None for all where no engine is asked for."""
    if not asked.engines:
        yield lambda _image: None
        return
    name = asked.engines[0]
    engine = open_engine(name, asked.endpoints.get(name), private=asked.private, say=say)
    with closing(engine):
        yield lambda image: runs_in(engine, image)


def check_assertions(
    found: Sequence[Validation],
    tests: Sequence[Assertions],
    images: Mapping[str, Opened],
    asked: Asked,
    *,
    say: Callable[[str], None],
) -> list[Validation]:
    """The same validations, with every assertion that does not hold among what is broken."""
    if not tests:
        return list(found)
    # A daemon is started for commands alone.
    needed = any(one.commands for one in tests)
    done = []
    with runner(asked if needed else replace(asked, engines=()), say) as runs_of:
        for one in found:
            image = images.get(one.image)
            said: list[Finding] = []
            if image is not None:
                runs = runs_of(image)
                said = [item for test in tests for item in broken(test, image, runs)]
            done.append(replace(one, broken=(*one.broken, *said)))
    return done
