"""Runs whose steps printed what real tools printed: recorded logs put together to builds."""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lab.model.events import Outcome
from lab.model.record import Build, Run
from lab.results import store
from tests import factories

FIXTURES = Path(__file__).parent / "fixtures"
ENGINE = "docker-classic"  # its stream is text: one message a line
COMMANDS = {
    "apt": "apt-get install -y bc less file",
    "pip": "pip install -r requirements.txt",
    "npm": "npm install",
    "go": "go build ./... && go test -v ./...",
    "make": "make app && make check",
}


@dataclass(frozen=True, slots=True)
class Log:
    """One command's output: how long it took, its exit code, and its lines with their seconds."""

    seconds: float
    code: int
    lines: tuple[tuple[float, str], ...]

    def paced(self, factor: float) -> Log:
        """The same at another pace."""
        lines = tuple((at * factor, text) for at, text in self.lines)
        return Log(self.seconds * factor, self.code, lines)

    def waiting(self, after: str, seconds: float) -> Log:
        """The same with a longer wait after the last line that holds this text."""
        place = max(n for n, (_, text) in enumerate(self.lines) if after in text)
        lines = [
            (at + (seconds if n > place else 0), text) for n, (at, text) in enumerate(self.lines)
        ]
        return Log(self.seconds + seconds, self.code, tuple(lines))

    def replaced(self, old: str, new: str) -> Log:
        """The same with other words."""
        return replace(self, lines=tuple((at, text.replace(old, new)) for at, text in self.lines))


def logs() -> dict[str, Log]:
    """The first recorded logs by name."""
    return recorded("step-logs") | recorded("held-out-logs")


@cache
def recorded(name: str) -> dict[str, Log]:
    """The logs of an archive of tests/fixtures."""
    found = {}
    with tarfile.open(FIXTURES / f"{name}.tar.gz") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            head, *lines = file.read().decode().split("\n")
            seconds, _, code = head.split()
            rows = [line.partition(" ") for line in lines if line]
            found[member.name.removesuffix(".log")] = Log(
                float(seconds), int(code), tuple((float(at), text) for at, _, text in rows)
            )
    return found


@dataclass(frozen=True, slots=True)
class Printed:
    """A step: its command and what it prints."""

    command: str
    log: Log


def pace(draw: random.Random) -> float:
    return draw.uniform(0.85, 1.15)


def write(
    results: Path, name: str, builds: Sequence[Sequence[Printed]], *, day: int = 1, **head: object
) -> store.StoredRun:
    """A run of builds of these steps, as the lab itself would have kept it."""
    run: Run = factories.run(
        f"202611{day:02}-100000-{name}",
        started=f"2026-11-{day:02}T10:00:00.000+00:00",
        engines=(replace(factories.ENGINE, name=ENGINE),),
    )
    with store.create(results, replace(run, **head)) as writer:  # type: ignore[arg-type]  # a run's fields
        for number, steps in enumerate(builds, 1):
            _append(writer, number, steps)
        return writer.finish("complete")


def _append(writer: store.Writer, number: int, steps: Sequence[Printed]) -> None:
    started = writer.run.started
    build = factories.build(number, cell={"engine": ENGINE}, started=started)
    text = "FROM base\n" + "".join(f"RUN {step.command}\n" for step in steps)
    writer.begin(build.id)
    recorded = [factories.step(0, "FROM base", stage="0")]
    at, failed = 0.0, ""

    def say(seconds: float, words: str) -> None:
        writer.raw(seconds, json.dumps({"stream": words}).encode())

    say(at, f"Step 1/{len(steps) + 1} : FROM base")
    say(at, " ---> 0123456789ab\n")
    for place, step in enumerate(steps, 1):
        instruction = f"RUN {step.command}"
        if failed:
            recorded.append(factories.step(place, instruction, stage="0", outcome=Outcome.SKIPPED))
            continue
        say(at, f"Step {place + 1}/{len(steps) + 1} : {instruction}")
        say(at, " ---> Running in 0123456789cd\n")
        for seconds, line in step.log.lines:
            say(at + seconds, f"{line}\n")
        if step.log.code:
            failed = f"The command '/bin/sh -c {step.command}' returned a non-zero code: "
            failed += str(step.log.code)
        recorded.append(
            factories.step(
                place,
                instruction,
                stage="0",
                outcome=Outcome.FAILED if step.log.code else Outcome.MISS,
                started_s=at,
                duration_s=step.log.seconds,
                error=failed or None,
            )
        )
        at += step.log.seconds
        say(at, " ---> Removed intermediate container 0123456789cd\n")
        if not failed:
            say(at, f" ---> {place:012x}\n")
    if failed:
        detail = {"errorDetail": {"message": failed}, "error": failed}
        writer.raw(at, json.dumps(detail).encode())
    status: dict[str, object] = {"status": "failed", "reason": failed} if failed else {}
    built: Build = replace(
        build,
        wall_s=at,
        steps=tuple(recorded),
        **status,  # type: ignore[arg-type]  # a build's own fields
    )
    writer.append(built, text)
