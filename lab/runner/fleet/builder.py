"""A worker's builder: a process that runs trials as it is told on its standard input.

Each line of input is JSON: first what the run is, then one trial a line. Each line of output begins
with what it is: S a build starts, B its record, E the trial has ended. When the input ends, because
the worker does, the builder ends its build and all that it opened.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import threading
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from lab.dockerfile.context import Context
from lab.engines import open_engine
from lab.engines.protocol import Engine, ImageArchive
from lab.engines.simulated import SimulatedEngine
from lab.host import signals
from lab.images.sources.types import Base
from lab.model.errors import LabError
from lab.model.events import Raw
from lab.runner import runner
from lab.runner.fleet import wire
from lab.runner.prepare import ReadyImages, close_engines
from lab.scenario import placeholder_images, plan
from lab.scenario.build_inputs import Images
from lab.scenario.model import Own, Scenario
from lab.scenario.plan import Cell, Trial

CONTEXT_LIMIT = 64 << 20  # bytes of a failed build's context that are sent home


@dataclass(slots=True, kw_only=True)
class Builder:
    """Trials of one run, on engines that are opened when first one is asked for."""

    run: str
    scenario: Scenario
    images: ReadyImages
    context: Context
    private: bool
    endpoints: Mapping[str, str]
    pace: float
    out: TextIO
    engines: dict[str, Engine] = field(default_factory=dict)

    @classmethod
    def of(cls, opening: Mapping[str, Any], out: TextIO) -> Builder:
        """The builder of what the worker's first line says."""
        told = wire.unpack(opening["session"])
        scenario, blobs = told["scenario"], Path(opening["blobs"])
        if isinstance(scenario.workload, Own):
            with (blobs / told["context"]).open("rb") as file:
                context = Context.from_tar(file)
        else:
            context = plan.project(scenario)
        return cls(
            run=told["run"],
            scenario=scenario,
            images=ReadyImages(
                {base.name: _here(base, blobs) for base in told["bases"]},
                {(one, two): _here(base, blobs) for one, two, base in told["toolchains"]},
                {ref: _here(base, blobs) for ref, base in told["named"].items()},
            ),
            context=context,
            private=told["private"],
            endpoints=opening["endpoints"],
            pace=opening["pace"],
            out=out,
        )

    def trial(self, asked: Mapping[str, Any]) -> None:
        """Run one trial, and say what happens."""
        cell = Cell(axes=asked["axes"])
        failure: LabError | None = None
        try:
            trial = plan.trial(
                self.scenario,
                asked["place"],
                asked["round"],
                cell,
                images=self._images(cell),
                context=self.context,
                lacks=lambda one, made: self._engine(one.engine).lacks(
                    made.dockerfile, cache=one.cache
                ),
                salt=self.run,
            )
            self._run(trial, asked["attempt"])
        except LabError as error:
            failure = error
        ended: dict[str, Any] = {"place": asked["place"]}
        if failure is not None:
            ended |= {"lost": failure.message, "remedy": failure.remedy}
        self._say("E", ended)

    def _run(self, trial: Trial, attempt: int) -> None:
        raw = _Packed()
        sent: dict[str, str] = {}
        for event in runner.run([trial], self._engine, labels={"io.imagelab.run": self.run}):
            match event:
                case Raw(at=at, data=data):
                    raw.add(at, data)
                case runner.BuildStarted(build_id=build_id, phase=phase):
                    raw, sent = _Packed(), {}
                    self._say("S", {"id": build_id, "phase": phase.name})
                case runner.FailedContext(archive=archive) if archive.size <= CONTEXT_LIMIT:
                    with archive.open() as stream:
                        sent = {"context": _text(stream.read())}
                case runner.BuildFinished(build=build, dockerfile=text, manifest=manifest):
                    named = replace(build, attempt=attempt).to_json()
                    told = {"build": named, "dockerfile": text, "raw": raw.end(), **sent}
                    told["manifest"] = None if manifest is None else manifest.to_json()
                    self._say("B", told)
                case _:
                    pass

    def _images(self, cell: Cell) -> Images:
        if self.images.known:
            return self.images.of(cell)
        return placeholder_images.images(self.scenario, cell.axes)

    def _engine(self, name: str) -> Engine:
        if name not in self.engines:
            opened = open_engine(name, self.endpoints.get(name), private=self.private)
            if isinstance(opened, SimulatedEngine):
                opened.pace = self.pace
            self.engines[name] = opened
        return self.engines[name]

    def _say(self, kind: str, what: Mapping[str, Any]) -> None:
        self.out.write(kind + json.dumps(what, separators=(",", ":")) + "\n")
        self.out.flush()


class _Packed:
    """A build's raw messages, compressed as they come: memory does not grow with its log."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(1)
        self._parts: list[bytes] = []

    def add(self, at: float, data: bytes) -> None:
        line = b"%.6f %s\n" % (at, data.replace(b"\n", b" "))
        self._parts.append(self._deflate.compress(line))

    def end(self) -> str:
        return _text(b"".join([*self._parts, self._deflate.flush()]))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _here(base: Base, blobs: Path) -> Base:
    """The base with its archives where this host keeps them."""

    def here(image: ImageArchive) -> ImageArchive:
        return image if image.path is None else replace(image, path=blobs / image.path.name)

    return replace(base, image=here(base.image), moved=base.moved and here(base.moved))


def _listen(lines: SimpleQueue[bytes]) -> None:
    rest = b""
    while block := os.read(0, 1 << 16):  # not sys.stdin: its lock would outlive the interpreter
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            lines.put(line)
    os.kill(os.getpid(), signal.SIGTERM)  # the worker is gone: end as if Ctrl-C had come


def main() -> None:
    """Until the input ends."""
    signals.install(quiet=True)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what else prints is no message
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    try:
        with ExitStack() as stack:
            builder = Builder.of(json.loads(lines.get()), out)
            stack.callback(close_engines, builder.engines)
            while True:
                builder.trial(json.loads(lines.get()))
    except (KeyboardInterrupt, BrokenPipeError):
        signals.settle()


if __name__ == "__main__":
    main()
