"""Real engines for the contract suite: private ones, started by the lab, one a kind a session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines import open_engine
from lab.engines.protocol import BuildRequest, Engine, ImageArchive
from lab.images.sources.base_images import base
from lab.images.sources.types import Base, BaseSource
from lab.model.events import Event, Log
from lab.runner.recorder import BuildOutcome, BuildRecorder

REAL = ("docker", "docker-classic", "podman")
BASE = "localhost/lab/test-base:working"


@dataclass(slots=True)
class Bench:
    """An engine with a base in it, and one way to build with it that every test uses."""

    engine: Engine
    logs: bytes = b""
    events: list[Event] = field(default_factory=list)

    @property
    def real(self) -> bool:
        return self.engine.name in REAL

    def build(
        self,
        text: str,
        files: dict[str, str] | Context | None = None,
        *,
        tag: str = "localhost/lab/test:built",
        cold: bool = False,
        target: str | None = None,
        build_args: dict[str, str] | None = None,
        marks: tuple[str, ...] = (),
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> BuildOutcome:
        text = text.replace("BASE", BASE)
        context = files if isinstance(files, Context) else Context.of_files(files or {})
        parsed = parser.parse(text, build_args)
        fold = BuildRecorder(parsed, target, marks)
        self.events, self.logs = [], b""
        with contextlib.closing(context.with_file("Dockerfile", text.encode()).archive()) as tar:
            request = BuildRequest(
                dockerfile=parsed,
                dockerfile_path="Dockerfile",
                context=tar,
                tag=tag,
                target=target,
                build_args=build_args or {},
                labels={"io.imagelab.test": "contract"},
                cold=cold,
            )
            for event in self.engine.build(request):
                fold.add(event)
                on_event(event)
                self.events.append(event)
                if isinstance(event, Log):
                    self.logs += event.data
        return fold.result()


@pytest.fixture(scope="session")
def bookworm_base() -> Base:
    """A real base, bootstrapped once and kept in the lab's cache."""
    source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
    return base(source, say=print)


@pytest.fixture(scope="session")
def bookworm(bookworm_base: Base) -> ImageArchive:
    """The image of the base."""
    return bookworm_base.image


@pytest.fixture(scope="session", params=(*REAL, "simulated"))
def bench(request: pytest.FixtureRequest, bookworm: ImageArchive) -> Iterator[Bench]:
    """Every engine in turn. One that cannot be started fails the tests: there is no skip."""
    engine = open_engine(request.param, private=True, say=print)
    with contextlib.closing(engine):
        engine.ensure(bookworm)
        engine.tag(bookworm.ref, BASE)
        yield Bench(engine)


@pytest.fixture
def real_bench(bench: Bench) -> Bench:
    """Tests of what only a real engine has are not collected for the simulated one."""
    return bench


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the simulated engine away from tests that need containers to run."""
    items[:] = [
        item
        for item in items
        if not (
            "real_bench" in getattr(item, "fixturenames", ())
            and "simulated" in getattr(item, "callspec", _NoCall).id
        )
    ]


class _NoCall:
    id = ""
