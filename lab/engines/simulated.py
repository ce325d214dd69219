"""A simulated engine: a small builder with a layer cache and a virtual clock.

It builds nothing that could be run, but it caches by the rules that all builders share: a step is
reused when the step before it, its text, the arguments in force and the files that it reads are
unchanged. In a RUN it understands ``sleep SECONDS``, ``timeout SECONDS`` (of a command without an
end), ``echo TEXT`` and ``exit CODE``. Stages that do not need one another run side by side. No time
passes while it works, unless it is given a ``pace``: every ``at`` is virtual.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.dockerfile.model import Dockerfile, Instruction
from lab.engines import remote_caches
from lab.engines import replay as by_hand
from lab.engines.protocol import (
    BuildRequest,
    ContainerRequest,
    HistoryEntry,
    ImageArchive,
    ReplayRequest,
)
from lab.engines.simulated_context import Context
from lab.host.usage import Usage
from lab.model import events
from lab.model.errors import SourceError
from lab.model.events import Event, Outcome
from lab.model.record import HIT_RATE_KEYWORDS, EngineFacts, HostFacts, Image

SET_UP = 0.05  # seconds that a container takes to start
RATE = 200e6  # bytes a second, for sending and copying
LAYER_BYTES = 1_000_000  # what a RUN is taken to write
_SLEEP = re.compile(r"\b(?:sleep|timeout) (\d+(?:\.\d+)?)")
_ECHO = re.compile(r"\becho ([^;&|]*)")
_EXIT = re.compile(r"\bexit (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    id: str
    size: int


@dataclass(slots=True)
class _State:
    """How far a stage has come: the key of its last step, its layers, its clock."""

    key: str
    layers: tuple[_Layer, ...] = ()
    at: float = 0.0
    arguments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Failed(Exception):
    at: float
    message: str
    code: int | None


class SimulatedEngine:
    """The Engine protocol over a dictionary."""

    name = "simulated"
    simulated = True

    def __init__(self) -> None:
        self._cache: dict[str, _Layer] = {}
        self._images: dict[str, tuple[str, tuple[_Layer, ...]]] = {}
        self._runs = 0
        self._cpu_s = 0.0
        self.pace = 0.0  # real seconds that a virtual one takes

    def facts(self) -> EngineFacts:
        """Says of itself that it is simulated; it has no host."""
        return EngineFacts(
            name=self.name,
            version="1",
            api="none",
            endpoint="simulated://",
            private=True,
            storage="memory",
            builder="simulated",
            host=HostFacts(),
            local=False,
        )

    def lacks(self, dockerfile: Dockerfile, *, cache: str = "") -> tuple[str, ...]:
        """Nothing of a Dockerfile: it has no mounts to lack. It speaks to no registry."""
        del dockerfile
        return remote_caches.lacks(self.name, "", cache, containerd=False)

    def ensure(self, image: ImageArchive) -> None:
        """Take the image's name for the image; nothing is loaded."""
        if image.ref not in self._images:
            identity = image.id or _digest(image.ref)
            self._images[image.ref] = (identity, (_Layer(id=identity, size=100 * LAYER_BYTES),))

    def tag(self, source: str, ref: str, *, unseen: bool = False) -> None:
        """Let ``ref`` name what ``source`` names."""
        del unseen  # every cold build forgets what was built
        self._images[ref] = self._found(source)

    def inspect(self, ref: str) -> Image:
        """Id, size and layer count of an image built or ensured here."""
        identity, layers = self._found(ref)
        return Image(
            id=identity, size_bytes=sum(layer.size for layer in layers), layers=len(layers)
        )

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:  # noqa: ARG002 - as in every engine
        """None: its layers are invented."""
        return ()

    def export(self, ref: str) -> Iterator[bytes]:
        """Its images have no bytes."""
        raise SourceError(
            f"{ref} is simulated: there is nothing of it to read",
            remedy="name an engine that has images: docker or podman",
        )

    def build(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Build on the virtual clock; events come in the order of their time."""
        if request.cold:
            self._cache.clear()
        yield events.Ready(0.0)
        sent = request.context.size / RATE
        stream: list[Event] = [events.ContextSent(sent, request.context.size)]
        end, message = sent, ""
        try:
            state = self._stages(request, sent, stream)
            end = state.at + 0.01
            identity = _digest("image", state.key, *(layer.id for layer in state.layers))
            self._images[request.tag] = (identity, state.layers)
            stream.append(events.ImageBuilt(end, identity))
        except _Failed as failed:
            end, message = failed.at, failed.message
            stream = [event for event in stream if event.at <= end]
            stream.append(events.BuildError(end, failed.message, failed.code))
        stream.append(events.Finished(end))
        begun = time.monotonic()
        for event in sorted(stream, key=lambda event: event.at):
            if self.pace:
                time.sleep(max(0.0, begun + event.at * self.pace - time.monotonic()))
            yield events.Raw(event.at, _raw(event, message))
            yield event

    def save(self, request: BuildRequest) -> Generator[Event, None, None]:
        """Nothing is left anywhere."""
        del request
        yield events.Finished(0.0)

    @property
    def network(self) -> None:
        """It has none."""

    def run(self, request: ContainerRequest) -> Generator[Event, None, None]:
        """Pretend to run a container: its marks are its command's, all of one second."""
        self._found(request.image)
        for name in re.findall(r"::lab-mark ([a-z][a-z0-9-]*)", " ".join(request.command)):
            yield events.Log(1.0, None, f"::lab-mark {name} 1.0\n".encode())
        yield events.Finished(1.0)

    def replay_command(self, replay: ReplayRequest) -> str:
        """Docker's: a simulated build has no client of its own."""
        return by_hand.command("docker", replay)

    def seccomp_option(self, profile: Path) -> str:
        """The profile's text; no container ever gets it."""
        return profile.read_text()

    def usage(self) -> Usage:
        """On the virtual clock every second that a step runs is a second of one CPU."""
        return Usage(source="simulated", cpu_s=self._cpu_s)

    def close(self) -> None:
        """Forget everything."""
        self._cache.clear()
        self._images.clear()

    def _found(self, ref: str) -> tuple[str, tuple[_Layer, ...]]:
        if ref not in self._images:
            raise SourceError(f"the simulated engine has no image {ref}", remedy="build it first")
        return self._images[ref]

    def _stages(self, request: BuildRequest, start: float, stream: list[Event]) -> _State:
        dockerfile, context = request.dockerfile, Context.read(request)
        done: dict[int, _State] = {}
        for index in sorted(dockerfile.needed(request.target)):
            stage = dockerfile.stages[index]
            if stage.parent is not None:
                parent = done[stage.parent]
                state = _State(key=parent.key, layers=parent.layers, at=parent.at)
            else:
                state = self._base(stage.base, start)
            for number in stage.instructions:
                self._step(dockerfile.instructions[number], request, context, state, done, stream)
            done[index] = state
        return done[dockerfile.target(request.target)]

    def _base(self, ref: str, start: float) -> _State:
        if ref == "scratch":
            return _State(key="scratch", at=start)
        if ref not in self._images:
            raise _Failed(start, f"base image {ref} is not there", None)
        identity, layers = self._images[ref]
        return _State(key=identity, layers=layers, at=start)

    def _step(
        self,
        instruction: Instruction,
        request: BuildRequest,
        context: Context,
        state: _State,
        done: Mapping[int, _State],
        stream: list[Event],
    ) -> None:
        for source in request.dockerfile.sources(instruction):
            state.at = max(state.at, done[source].at)
        inputs = [done[source].key for source in request.dockerfile.sources(instruction)]
        files: tuple[tuple[str, str, int], ...] = ()
        if instruction.keyword in {"COPY", "ADD"} and not inputs:
            files = context.chosen(instruction)
            inputs += [f"{path}:{digest}" for path, digest, _ in files]
        if instruction.keyword == "ARG":
            name, _, default = instruction.operands.partition("=")
            state.arguments[name] = request.build_args.get(name, default)
        if instruction.keyword in {"RUN", "WORKDIR"}:
            inputs += [f"{name}={value}" for name, value in sorted(state.arguments.items())]
        if instruction.keyword != "FROM":
            state.key = _digest(state.key, instruction.text, *instruction.heredocs, *inputs)
        if instruction.keyword not in HIT_RATE_KEYWORDS:
            return
        stream.append(events.StepStarted(state.at, instruction.index, state.at))
        hit = state.key in self._cache
        if not hit:
            self._execute(instruction, state, sum(size for _, _, size in files), stream)
        state.layers += (self._cache[state.key],)
        # Whoever copies from this stage sees what this execution left, not only how it was made.
        state.key = _digest(state.key, self._cache[state.key].id)
        outcome = Outcome.HIT if hit else Outcome.MISS
        stream.append(events.StepEnded(state.at, instruction.index, state.at, outcome))

    def _execute(
        self, instruction: Instruction, state: _State, copied: int, stream: list[Event]
    ) -> None:
        started, index = state.at, instruction.index
        script = "\n".join((instruction.operands, *instruction.heredocs))
        if instruction.keyword == "RUN":
            state.at += SET_UP + sum(float(text) for text in _SLEEP.findall(script))
            stream.extend(
                events.Log(state.at, index, text.strip().encode() + b"\n")
                for text in _ECHO.findall(script)
            )
            failure = _EXIT.search(script)
            if failure and int(failure[1]):
                error = f"the command exited with {failure[1]}: {instruction.text}"
                stream.append(events.StepEnded(state.at, index, state.at, Outcome.FAILED, error))
                raise _Failed(state.at, error, int(failure[1]))
        else:
            state.at = started + 0.005 + copied / RATE
        self._runs += 1
        self._cpu_s += state.at - started
        self._cache[state.key] = _Layer(
            id=_digest("layer", state.key, str(self._runs)), size=copied or LAYER_BYTES
        )


def _digest(*parts: str) -> str:
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _raw(event: Event, message: str) -> bytes:
    kind = type(event).__name__
    return json.dumps({"simulated": kind, "at": event.at, "message": message}).encode()
