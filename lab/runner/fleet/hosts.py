"""The workers of one run as home sees them: asked for builds, listened to, given up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, BinaryIO, Self

from lab.runner.fleet.blobs import CHUNK
from lab.runner.fleet.calls import Calls, Gone, NotKnown
from lab.runner.fleet.lines import FAILURES, said
from lab.scenario.plan import Trial

_LISTEN = 1.0  # seconds that a worker waits with an answer for something to say
_ANSWER = 3.0  # seconds more that this answer may take
_UNANSWERED = 3  # questions in a row without an answer, until a worker is given up
_PAUSE = 0.2  # seconds between such questions
_LOOK = 2.0  # seconds between looks at who is there
_MORE = 30.0  # seconds that a worker has to end what an earlier home had asked for

Files = Mapping[str, Callable[[], BinaryIO]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The trial at a place of the run, in its ``attempt``, from 1 on."""

    place: int
    trial: Trial
    attempt: int


@dataclass(slots=True, kw_only=True)
class Host:
    """A worker in a run; ``epoch`` is of one stay: what comes of another is refused.

    ``asked`` are the trials that have not ended, by their places.
    """

    name: str
    facts: Mapping[str, Any]
    slots: int = 0
    epoch: str = ""
    asked: dict[int, Asked] = field(default_factory=dict)
    queue: list[Mapping[str, Any]] = field(default_factory=list)  # what it is still to be told
    told: int = 0  # trials that it has taken
    telling: bool = False

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.facts["address"])


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a host said, in ``lines``; ``lost``: why it is given up."""

    host: Host
    epoch: str
    lines: Sequence[str] = ()
    lost: str | None = None
    joined: bool = False


class Hosts:
    """Hosts of the run ``run``. ``news`` is what the run's own thread reads."""

    def __init__(self, calls: Calls, run: str, session: str, files: Files) -> None:
        self.news: SimpleQueue[News] = SimpleQueue()
        self._calls, self._run, self._session, self._files = calls, run, session, files
        self._here: dict[str, Host] = {}
        self.brought = 0  # pieces of files that have reached hosts
        self._joining: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, str] = {}  # name -> why it could not be had
        self._known: set[str] = set()  # names of those that were had, once or more
        self._looking = calls.start(self._look())

    def ask(self, host: Host, trials: Sequence[Asked]) -> None:
        """Put trials into the host's queue."""
        host.asked |= {one.place: one for one in trials}
        asked = [
            {
                "place": one.place,
                "attempt": one.attempt,
                "round": one.trial.round,
                "axes": dict(one.trial.cell.axes),
            }
            for one in trials
        ]
        self._calls.start(self._tell(host, asked))

    async def _tell(self, host: Host, trials: Sequence[Mapping[str, Any]]) -> None:
        """Bring trials to a host, in their order and each once, for as long as it is there."""
        epoch = host.epoch
        host.queue += trials
        if host.telling:
            return
        host.telling = True
        while host.queue and host.epoch == epoch:
            some = list(host.queue)
            try:
                answer = await self._calls.ask(
                    host.address, "take", epoch=epoch, after=host.told, trials=some
                )
            except FAILURES:
                await asyncio.sleep(_PAUSE)  # whether it is lost, `_listen` finds out
                continue
            if answer.get("over"):
                self._give_up(host, epoch, "it had ended the run")
                break
            host.told += len(some)
            del host.queue[: len(some)]
        host.telling = False

    async def _look(self) -> None:
        """Let in whoever is there and can be had, again and again.

        While the scheduler is away, those whom it named last are looked for.
        """
        there: dict[str, dict[str, Any]] = {}
        while True:
            with suppress(*FAILURES):
                there = await self._calls.workers()
            for name, facts in there.items():
                if name not in self._here and name not in self._joining:
                    host = Host(name=name, facts=facts)
                    self._joining[name] = asyncio.create_task(self._try(host))
            await asyncio.sleep(_LOOK)

    async def _try(self, host: Host) -> None:
        try:
            await self._admit(host)
        except FAILURES as error:
            self._tried[host.name] = said(error)
        finally:
            del self._joining[host.name]

    async def _admit(self, host: Host) -> None:
        epoch = uuid.uuid4().hex
        # What it says of an earlier stay with this home is refused: that was said to be lost.
        lines = [] if host.name in self._known else await self._left(host)
        await self._bring(host)
        begun = await self._calls.ask(
            host.address, "begin", patience=_MORE, run=self._run, epoch=epoch, session=self._session
        )
        if "busy" in begun:
            self._tried[host.name] = f"busy with run {begun['busy']}"
            return
        host.epoch, host.slots = epoch, begun["slots"]
        self._here[host.name] = host
        self._known.add(host.name)
        self.news.put(News(host=host, epoch=epoch, lines=lines, joined=True))
        self._calls.start(self._listen(host, epoch))

    async def _left(self, host: Host) -> list[str]:
        """What an earlier home of the run, which is gone, may not have heard of it."""
        lines: list[str] = []
        at = 0
        while True:
            told = await self._calls.ask(host.address, "left", patience=_MORE, run=self._run, at=at)
            if not told["lines"]:
                return lines
            lines += told["lines"]
            at = told["next"]

    async def _bring(self, host: Host) -> None:
        """Send what the host does not have yet."""
        asked = await self._calls.ask(host.address, "missing", digests=list(self._files))
        for digest in asked["missing"]:
            with closing(self._files[digest]()) as file:
                at, piece = 0, file.read(CHUNK)
                while True:
                    after = file.read(CHUNK)
                    await self._calls.ask(
                        host.address,
                        "blob",
                        patience=_MORE,
                        digest=digest,
                        at=at,
                        data=piece,
                        last=not after,
                    )
                    self.brought += 1
                    if not after:
                        break
                    at, piece = at + len(piece), after

    async def _listen(self, host: Host, epoch: str) -> None:
        after = unanswered = 0
        while host.epoch == epoch:
            try:
                answer = await self._calls.ask(
                    host.address,
                    "records",
                    patience=_LISTEN + _ANSWER,
                    epoch=epoch,
                    after=after,
                    wait=_LISTEN,
                )
            except NotKnown:
                await asyncio.sleep(_PAUSE)
                continue
            except FAILURES as error:
                unanswered += 1
                if isinstance(error, Gone) or unanswered == _UNANSWERED:
                    self._give_up(host, epoch, f"it does not answer: {said(error)}")
                    return
                await asyncio.sleep(_PAUSE)
                continue
            unanswered = 0
            if answer.get("over"):
                self._give_up(host, epoch, "it had ended the run")
                return
            after = answer["next"]
            if answer["lines"]:
                self.news.put(News(host=host, epoch=epoch, lines=answer["lines"]))

    def _give_up(self, host: Host, epoch: str, why: str) -> None:
        if host.epoch == epoch:
            host.epoch = ""
            self._here.pop(host.name, None)
            self.news.put(News(host=host, epoch=epoch, lost=why))

    @property
    def refused(self) -> str:
        """Why workers that are there could not be had, in words."""
        return "; ".join(f"{name}: {why}" for name, why in self._tried.items())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Let the hosts end what they are building; without an error all that they said has come.

        What they said stays with them after one: a home that goes on with the run asks for it.
        """
        self._looking.cancel()
        self._calls.do(self._end(done=kind is None))

    async def _end(self, *, done: bool) -> None:
        for task in list(self._joining.values()):
            task.cancel()
        here, self._here = list(self._here.values()), {}
        asked = [
            self._calls.ask(one.address, "end", patience=_MORE, epoch=one.epoch, done=done)
            for one in here
        ]
        for one in here:
            one.epoch = ""
        await asyncio.gather(*asked, return_exceptions=True)
