"""Where a worker's builds are made: one run at a time, in slots, each slot a process of its own.

The bench outlives the worker's connection: while a scheduler is away its builds go on, and what
they say is kept in a file until whoever asked for it has it. It ends a run whose home has not been
heard of while ``LEASE`` seconds of its own passed: those in which it was stopped do not count.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.host.disk import disk
from lab.model.errors import LabError

LEASE = 30  # seconds without a word from home until its builds are ended
ENDING = 60.0  # seconds that a build is given to end through its engine
KEPT = 7 * 86400.0  # seconds that what a home never asked for is kept
BATCH = 4 << 20  # bytes of messages in one answer
_LINE = 1 << 30  # bytes that a message can have: a build's log is in it


class Bench:
    """``folder`` keeps messages and what bases travel as; ``slots`` builds run side by side."""

    def __init__(
        self, folder: Path, *, slots: int, endpoints: Mapping[str, str], pace: float
    ) -> None:
        self.folder, self.slots = folder, slots
        self._endpoints, self._pace = dict(endpoints), pace
        self._run: str | None = None
        self._epoch = ""
        self._session = ""
        self._silent = 0  # seconds since a word from home
        self._taken = 0  # trials that home has asked for
        self._messages: deque[str] = deque()
        self._first = 0  # the number of the first message that is still held
        self._more = asyncio.Event()
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._doing: dict[int, str] = {}
        self._changing = asyncio.Lock()
        with disk(folder):
            (folder / "blobs").mkdir(parents=True, exist_ok=True)
            for path in folder.glob("*.messages"):  # of runs that nobody went on with
                if time.time() - path.stat().st_mtime > KEPT:
                    path.unlink()

    async def state(self) -> dict[str, Any]:
        """What it does, for whoever looks."""
        return {"run": self._run, "doing": sorted(self._doing.values())}

    async def begin(self, run: str, epoch: str, session: str) -> dict[str, Any]:
        """Make ready for a run; what an earlier home of it had asked for is ended.

        Answers with the run that it is busy with, where that is another one.
        """
        async with self._changing:
            if self._run not in (None, run):
                return {"busy": self._run}
            await self._end()
            self._run, self._epoch, self._session = run, epoch, session
            self._messages.clear()
            self._first = 0
            self._queue = asyncio.Queue()
            with disk(self.folder):
                self._spool(run).write_bytes(b"")
            self._silent = self._taken = 0
            self._tasks = [asyncio.create_task(self._slot(n)) for n in range(self.slots)]
            self._tasks.append(asyncio.create_task(self._watch()))
            return {"slots": self.slots}

    async def take(
        self, epoch: str, after: int, trials: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Put trials into the queue, in their order; those it has are left out.

        ``after`` is how many home knows to be here: it asks again when no answer came.
        """
        if not self._current(epoch):
            return {"over": True}
        for trial in trials[self._taken - after :]:
            self._queue.put_nowait(dict(trial))
            self._taken += 1
        return {}

    async def records(self, epoch: str, after: int, wait: float) -> dict[str, Any]:
        """The messages from number ``after`` on: as soon as there are any, at most ``wait`` s."""
        if not self._current(epoch):
            return {"over": True}
        while self._messages and self._first < after:
            self._messages.popleft()
            self._first += 1
        if not self._messages:
            self._more.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), wait)
        taken, size = [], 0
        for line in self._messages:
            taken.append(line)
            size += len(line)
            if size > BATCH:
                break
        return {"lines": taken, "next": self._first + len(taken)}

    async def left(self, run: str, at: int) -> dict[str, Any]:
        """What an earlier home of the run may not have got: lines of the file, from byte ``at``."""
        if self._run == run:
            await self.end(self._epoch)
        path = self._spool(run)
        if not path.exists():
            return {"lines": [], "next": at}
        lines, end = [], at
        with disk(path), path.open("rb") as file:
            file.seek(at)
            while end - at < BATCH and (line := file.readline()).endswith(b"\n"):
                lines.append(line.decode().rstrip("\n"))
                end += len(line)
        return {"lines": lines, "next": end}

    async def end(self, epoch: str, *, done: bool = False) -> dict[str, Any]:
        """End what is being built, through its engine; ``done``: home has every message."""
        if self._current(epoch):
            run = self._run
            async with self._changing:
                await self._end()
                if done and run is not None:
                    self._spool(run).unlink(missing_ok=True)
        return {}

    async def close(self) -> None:
        """End everything."""
        await self._end()

    def _current(self, epoch: str) -> bool:
        if self._run is None or epoch != self._epoch:
            return False
        self._silent = 0
        return True

    async def _end(self) -> None:
        tasks, self._tasks, self._run = self._tasks, [], None
        here = asyncio.current_task()
        for task in tasks:
            if task is not here:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not here), return_exceptions=True)
        self._doing.clear()

    async def _watch(self) -> None:
        while self._silent < LEASE:
            await asyncio.sleep(1)
            self._silent += 1
        await self._end()

    async def _slot(self, number: int) -> None:
        child: asyncio.subprocess.Process | None = None
        try:
            while True:
                trial = await self._queue.get()
                self._doing[number] = f"round {trial['round']}: {' '.join(trial['axes'].values())}"
                try:
                    child = child or await self._child()
                    if not await self._build(child, trial):
                        ended, child = child, None
                        self._lose(trial, f"the builder ended with {await ended.wait()}")
                except OSError as error:
                    self._lose(trial, f"no builder could be started: {error}")
                self._doing.pop(number, None)
        finally:
            if child is not None:
                await _ended(child)

    async def _build(self, child: asyncio.subprocess.Process, trial: Mapping[str, Any]) -> bool:
        """Whether the builder lived through it."""
        if child.stdin is None or child.stdout is None:
            return False
        with suppress(ConnectionError):
            child.stdin.write(json.dumps(trial).encode() + b"\n")
            await child.stdin.drain()
        while line := await child.stdout.readline():
            self._keep(line.decode().rstrip("\n"))
            if line.startswith(b"E"):
                return True
        return False

    async def _child(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.runner.fleet.builder"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            process_group=0,  # Ctrl-C is the worker's to pass on
        )
        opening = {
            "session": self._session,
            "blobs": str(self.folder / "blobs"),
            "endpoints": self._endpoints,
            "pace": self._pace,
        }
        if child.stdin is not None:
            child.stdin.write(json.dumps(opening).encode() + b"\n")
        return child

    def _lose(self, trial: Mapping[str, Any], why: str) -> None:
        self._keep("E" + json.dumps({"place": trial["place"], "lost": why}))

    def _keep(self, line: str) -> None:
        if self._run is not None:
            # On a full disk a home that dies misses it; one that lives is told all the same.
            with suppress(LabError), disk(self.folder), self._spool(self._run).open("ab") as file:
                file.write(line.encode() + b"\n")
        self._messages.append(line)
        self._more.set()

    def _spool(self, run: str) -> Path:
        return self.folder / f"{Path(run).name}.messages"


async def _ended(child: asyncio.subprocess.Process) -> None:
    """End a builder as Ctrl-C would: it ends its build, and what it opened."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(asyncio.shield(_read_out(child)), ENDING)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
    await child.wait()


async def _read_out(child: asyncio.subprocess.Process) -> None:
    while child.stdout is not None and await child.stdout.read(1 << 16):
        pass
    await child.wait()
