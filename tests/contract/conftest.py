"""Real engines for the contract suite: private ones, started by the lab, one a kind a session."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines import features, open_engine
from lab.engines.protocol import BuildRequest, Engine, ImageArchive, RemoteCache
from lab.images.sources.base_images import base
from lab.images.sources.types import Base, BaseSource
from lab.model import engine_name
from lab.model.events import Event, Log
from lab.runner.recorder import BuildOutcome, BuildRecorder

ENGINES = engine_name.FAMILIES
# What must hold of every version of an engine, for a second one of each: what takes it minutes
# (causes, 200 steps' outcomes on Podman) is left to `make test-engines`.
OTHER_VERSIONS: Mapping[str, frozenset[str]] = {
    "docker@28": frozenset({"test_engines", "test_truth", "test_kept_back"}),
    "podman@5.8": frozenset({"test_engines"}),
}
BASE = "localhost/lab/test-base:working"


@dataclass(slots=True)
class Bench:
    """An engine with a base in it, and one way to build with it that every test uses."""

    engine: Engine
    logs: bytes = b""
    remote: RemoteCache | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def real(self) -> bool:
        return engine_name.runs_containers(self.engine.name)

    @property
    def family(self) -> str:
        """What kind of engine it is, whatever its version."""
        return engine_name.family(self.engine.name)

    def refuses(self, text: str, files: dict[str, str] | None = None) -> bool:
        """Whether the lab says that the engine lacks what a Dockerfile asks.

        The engine itself then fails to build it; newer versions of docker-classic alone pass over
        here-documents and flags that they do not know.
        """
        if not self.engine.lacks(parser.parse(text.replace("BASE", BASE))):
            return False
        version = features.parse_version(self.engine.facts().version)
        if self.family != "docker-classic" or version < (23,):
            assert self.build(text, files).status == "failed", text
        return True

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
        recorder = BuildRecorder(parsed, target, marks)
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
                remote=self.remote,
            )
            for event in self.engine.build(request):
                recorder.add(event)
                on_event(event)
                self.events.append(event)
                if isinstance(event, Log):
                    self.logs += event.data
        return recorder.result()


@pytest.fixture(scope="session")
def bookworm_base() -> Base:
    """A real base, bootstrapped once and kept in the lab's cache."""
    source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
    return base(source, say=print)


@pytest.fixture(scope="session")
def bookworm(bookworm_base: Base) -> ImageArchive:
    """The image of the base."""
    return bookworm_base.image


@pytest.fixture(scope="session")
def engines(bookworm: ImageArchive) -> Iterator[Callable[[str], Engine]]:
    """Private engines by their names, each started once, when it is first asked for."""
    with contextlib.ExitStack() as stack:

        @cache
        def started(name: str) -> Engine:
            engine = open_engine(name, private=True, say=print)
            stack.callback(engine.close)
            engine.ensure(bookworm)
            engine.tag(bookworm.ref, BASE)
            return engine

        yield started


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Bench:
    """Every engine in turn. One that cannot be started fails the tests: there is no skip."""
    return Bench(engines(request.param))


@pytest.fixture
def real_bench(bench: Bench) -> Bench:
    """Tests of what only a real engine has are not collected for the simulated one."""
    return bench


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every engine in turn; a part of the suite on a second version of each as well.

    LAB_TEST_ENGINES names others in their place: `make test-engines` runs it on all that there are.
    Tests of what needs containers are not made for the simulated one.
    """
    if "bench" not in metafunc.fixturenames:
        return
    module = metafunc.module.__name__.rpartition(".")[2]
    named = os.environ.get("LAB_TEST_ENGINES", "").split()
    names = named or [*ENGINES, *(name for name, of in OTHER_VERSIONS.items() if module in of)]
    if "real_bench" in metafunc.fixturenames:
        names = [name for name in names if engine_name.runs_containers(name)]
    metafunc.parametrize("bench", names, indirect=True, scope="session")
