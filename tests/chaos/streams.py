"""Faults in the bytes between the lab and an engine, drawn by a seed, on real private engines.

    python -m tests.chaos.streams --seed 1 --count 50 docker
    python -m tests.chaos.streams --seed 1 --count 50 podman

A proxy hands on what both sides say. One build passes whole and tells which bytes there are: heads,
sizes of chunks, messages, ends, and the context that is sent. Each fault then cuts, halves, delays,
garbles or doubles the bytes at one such place of the same build's connections. The build may end
well, fail, be lost or raise one of the lab's errors; it may not hang, raise anything else, record a
step twice, or be told as good where the engine has no such image. The engine then builds as before.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from lab.dockerfile import parser
from lab.dockerfile.context import Context
from lab.engines import open_engine
from lab.engines.private import start_docker, start_podman
from lab.engines.protocol import BuildRequest, Engine
from lab.images.sources.base_images import base
from lab.images.sources.types import BaseSource
from lab.model.errors import LabError
from lab.runner.recorder import BuildOutcome, BuildRecorder
from tests.factories import quiet

HOW = ("cut", "half", "delay", "garble", "double")
LONGEST_S = 60
DELAY_S = 1.5
BASE = "localhost/lab/streams:base"
TAG = "localhost/lab/streams:built"
STEPS = "FROM BASE\nCOPY a /a\nRUN echo TOKEN && echo two >/b\nRUN echo three\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """``how`` the bytes from ``at`` on, of connection ``number`` in one direction, are hurt."""

    how: str
    number: int
    down: bool
    at: int
    kind: str = ""


@dataclass(slots=True)
class Proxy:
    """Hands on between a socket of its own and an engine's. ``seen`` is what passed whole."""

    path: Path
    target: str
    fault: Fault | None = None
    count: int = 0
    struck: bool = False
    seen: dict[tuple[int, bool], bytearray] = field(default_factory=dict)
    _listener: socket.socket | None = None
    _lines: list[socket.socket | threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Proxy:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._end_lines()

    def begin(self, fault: Fault | None) -> None:
        """From now on connections are counted anew."""
        self._end_lines()
        self.fault, self.count, self.struck, self.seen = fault, 0, False, {}

    def _end_lines(self) -> None:
        lines, self._lines = self._lines, []
        for one in lines:
            if isinstance(one, socket.socket):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for one in lines:
            if isinstance(one, threading.Thread):
                one.join()
        for one in lines:
            if isinstance(one, socket.socket):
                one.close()

    def _accept(self) -> None:
        while self._listener is not None:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.target.removeprefix("unix://"))
            number, self.count = self.count, self.count + 1
            self._lines += [near, far]
            for source, to, down in ((near, far, False), (far, near, True)):
                words = (source, to, number, down)
                line = threading.Thread(target=self._hand_on, args=words, daemon=True)
                line.start()
                self._lines.append(line)

    def _hand_on(self, source: socket.socket, to: socket.socket, number: int, down: bool) -> None:
        passed, seen = 0, self.seen.setdefault((number, down), bytearray())
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                seen += piece
                fault = self.fault
                here = fault is not None and (fault.number, fault.down) == (number, down)
                if fault is not None and here and passed <= fault.at < passed + len(piece):
                    self.struck = True
                    if not _strike(fault, source, to, piece, fault.at - passed):
                        return
                else:
                    to.sendall(piece)
                passed += len(piece)
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)


def _strike(fault: Fault, source: socket.socket, to: socket.socket, piece: bytes, at: int) -> bool:
    """Send a piece, hurt; whether the line goes on."""
    to.sendall(piece[:at])
    rest = piece[at:]
    if fault.how == "cut":
        for one in (source, to):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        return False
    if fault.how == "half":
        to.shutdown(socket.SHUT_WR)
        while source.recv(1 << 16):
            pass
        return False
    if fault.how == "delay":
        time.sleep(DELAY_S)
    elif fault.how == "garble":
        rest = bytes(byte ^ 0x15 for byte in rest[:8]) + rest[8:]
    else:
        rest = rest[:64] + rest
    to.sendall(rest)
    return True


PLACES = {
    "head": re.compile(rb"(?:HTTP/1\.1 |[A-Z]+ /)[^\0]*?\r\n\r\n"),
    "chunk size": re.compile(rb"(?:(?<=\r\n)|^)[0-9a-fA-F]+\r\n"),
    "end": re.compile(rb"\r\n0\r\n\r\n"),
    "message": re.compile(rb"\{[^\r\n]{2,}"),
}


def places(seen: bytes) -> dict[str, list[tuple[int, int]]]:
    """Where which class of bytes is."""
    found = {
        kind: [(one.start(), one.end()) for one in pattern.finditer(seen)]
        for kind, pattern in PLACES.items()
    }
    return {kind: spans for kind, spans in {**found, "any": [(0, len(seen))]}.items() if spans}


def drawn(seed: int, name: str, number: int, seen: dict[tuple[int, bool], bytes]) -> Fault:
    """A fault at a place of what passed."""
    dice = random.Random(f"{seed}/{name}/{number}")
    # Downwards most often: that is where what was built is told.
    line = dice.choice([key for key, data in seen.items() if data for _ in range(1 + 2 * key[1])])
    known = places(seen[line])
    kind = dice.choice(sorted(known))
    first, last = dice.choice(known[kind])
    return Fault(HOW[number % len(HOW)], *line, dice.randrange(first, max(last, first + 1)), kind)


def build(engine: Engine, token: str) -> BuildOutcome:
    """One build whose layers nobody has yet."""
    parsed = parser.parse(STEPS.replace("BASE", BASE).replace("TOKEN", token))
    context = Context.of_files({"a": token * 3000}).with_file("Dockerfile", parsed.text.encode())
    recorder = BuildRecorder(parsed, None, ())
    with closing(context.archive()) as tar:
        asked = BuildRequest(
            dockerfile=parsed, dockerfile_path="Dockerfile", context=tar, tag=TAG, cold=False
        )
        with closing(engine.build(asked)) as events:
            for event in events:
                recorder.add(event)
    return recorder.result()


class Hang(BaseException):
    """A build took too long."""


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang


def once(name: str, proxy: Proxy, direct: Engine, fault: Fault, token: str) -> tuple[str, str]:
    """Build through a fault: how it ended, and what is wrong with that."""
    proxy.begin(fault)
    signal.alarm(LONGEST_S)
    try:
        engine = open_engine(name, f"unix://{proxy.path}", say=quiet, keep=True)
        try:
            outcome = build(engine, token)
        finally:
            with suppress(LabError):
                engine.close()
    except LabError as error:
        return type(error).__name__, "" if error.message else "it says nothing"
    except Hang:
        return "hang", f"no end within {LONGEST_S} s"
    except Exception as error:  # noqa: BLE001 - to find what is raised is its purpose
        return "raised", f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return outcome.status, _wrong(outcome, direct, fault)


def _wrong(outcome: BuildOutcome, direct: Engine, fault: Fault) -> str:
    twice = [index for index, count in Counter(s.index for s in outcome.steps).items() if count > 1]
    if twice:
        return f"steps {twice} are there twice"
    if outcome.status == "ok":
        told = outcome.image_id or ""
        if direct.inspect(TAG).id.removeprefix("sha256:") != told.removeprefix("sha256:"):
            return f"it was told as built: {told}"
    elif not outcome.reason:
        return f"{outcome.status} without a reason"
    if fault.how == "delay" and outcome.status != "ok":
        return f"late bytes made it {outcome.status}: {outcome.reason}"
    return ""


def main() -> int:
    """Draw faults for one engine."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("engine", choices=("docker", "docker-classic", "podman"))
    options.add_argument("--count", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    given = options.parse_args()
    signal.signal(signal.SIGALRM, _hang)
    starter = start_podman if given.engine == "podman" else start_docker
    ends: Counter[str] = Counter()
    bad = 0
    with ExitStack() as stack:
        daemon = stack.enter_context(starter(quiet))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-p-")))
        proxy = stack.enter_context(Proxy(folder / "s", daemon.endpoint))
        source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
        image = base(source, say=quiet).image
        direct = stack.enter_context(
            closing(open_engine(given.engine, daemon.endpoint, say=quiet, keep=True))
        )
        direct.ensure(image)
        direct.tag(image.ref, BASE)
        proxy.begin(None)
        whole = open_engine(given.engine, f"unix://{proxy.path}", say=quiet, keep=True)
        assert build(whole, "whole").status == "ok"
        whole.close()
        seen = {key: bytes(data) for key, data in proxy.seen.items()}
        numbers = range(given.count) if given.only is None else [given.only]
        for number in numbers:
            fault = drawn(given.seed, given.engine, number, seen)
            ended, wrong = once(given.engine, proxy, direct, fault, f"t{given.seed}x{number}")
            ends[f"{fault.how}: {ended}" if proxy.struck else "not met"] += 1
            after = build(direct, f"after{number}").status
            if after != "ok":
                wrong += f"; the engine then: {after}"
            if wrong:
                bad += 1
                print(f"--only {number} {fault}: {ended}: {wrong}", flush=True)
    print(f"{given.engine}: {len(numbers)} stream faults, {bad} with something wrong")
    for kind, count in sorted(ends.items()):
        print(f"  {kind} {count}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
