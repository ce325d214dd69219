"""A file of any of the formats, told apart by what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from lab.dockerfile.model import Dockerfile
from lab.engines.recorded import build_record, buildkit, log_lines, otlp, plain, step_logs
from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import NotRead, Recorded
from lab.model.errors import InputError

FORMATS = (
    "a build record (.dockerbuild), BuildKit's --progress rawjson or plain, a log of podman build, "
    "of buildah or of docker build, also within the log of a CI job; BuildKit's spans as OTLP JSON"
)
_TAR = 257, b"ustar"
_MOST_LINES = 100_000
_DEFINITION = "[internal] load build definition from "


@dataclass(slots=True)
class _Json:
    """The builds of rawjson lines: each begins with a Dockerfile being loaded."""

    found: list[tuple[buildkit.Messages, dict[str, str]]] = field(default_factory=list)
    _loaded: str | None = None
    _open: list[str] = field(default_factory=list)

    def take(self, line: Line, facts: dict[str, str]) -> bool:
        """Whether the line is one of them, or a part of one: buildx 0.13 indents its objects."""
        if self._open or line.text == "{":
            self._open.append(line.text)
            if line.text == "}" or len(self._open) > _MOST_LINES:
                whole, self._open = "".join(self._open), []
                return self._object(whole, line.number, facts)
            return True
        if line.text[:2] == '{"' and line.text.endswith("}"):
            return self._object(line.text, line.number, facts)
        if self.found and (error := plain.ERROR.match(line.text)):
            self.found[-1][0].error = error[1].strip()
        return False

    def _object(self, text: str, number: int, facts: dict[str, str]) -> bool:
        status = buildkit.from_json(text.encode(), f"line {number}")
        if status is None:
            return False
        loaded = next(
            (v.digest for v in status.vertices if v.name.startswith(_DEFINITION)), self._loaded
        )
        if not self.found or (self._loaded is not None and loaded != self._loaded):
            self.found.append((buildkit.Messages(), dict(facts)))
        self._loaded = loaded
        self.found[-1][0].statuses.append(status)
        return True


def read(path: Path, dockerfile: Dockerfile | None, target: str | None) -> Iterator[Recorded]:
    """The builds that a file tells of, one after another.

    ``dockerfile`` is what was built, where the user knows it. Raises InputError with file and place
    where the file is of no format that is known, is torn, or holds more than any real one.
    """
    try:
        with path.open("rb") as file:
            yield from builds(file, str(path), dockerfile, target)
    except OSError as error:
        what = error.strerror or str(error)
        raise InputError(f"{path} cannot be read: {what}", remedy="name a file") from error


def builds(
    file: BinaryIO, name: str, dockerfile: Dockerfile | None = None, target: str | None = None
) -> Iterator[Recorded]:
    """The same of an open file, which errors call by this name."""
    start = file.read(512)
    file.seek(0)
    archive = start[:2] == build_record.GZIP_MAGIC or start[_TAR[0] :].startswith(_TAR[1])
    try:
        if archive:
            yield from build_record.builds(file, dockerfile, target)
        else:
            yield from _text(file, dockerfile, target)
    except NotRead as error:
        raise InputError(f"{name}: {error}", remedy=f"give {FORMATS}") from error


def _text(file: BinaryIO, dockerfile: Dockerfile | None, target: str | None) -> Iterator[Recorded]:
    facts: dict[str, str] = {}
    messages, lines, steps = _Json(), plain.Builds(), step_logs.Builds()
    traces = otlp.Traces()
    for line in log_lines.lines(file, facts):
        if not traces.take(line, facts) and not messages.take(line, facts):
            lines.take(line, facts)
            steps.take(line, facts)
    told: list[Callable[[str], Recorded]] = []
    told += [partial(_of_json, one, dockerfile, target) for one in messages.found]
    told += [partial(_of_trace, *one, dockerfile, target) for one in traces.builds()]
    told += [partial(_of_lines, one, dockerfile, target) for one in lines.found]
    told += [partial(_of_steps, one, dockerfile, target) for one in steps.found]
    if not told:
        raise NotRead("no build is told in it")
    for number, one in enumerate(told, 1):
        made = one(str(number))
        # What is said at a log's end, such as the job's name, holds for all of it.
        yield replace(made, facts=facts | dict(made.facts))


def _of_json(
    found: tuple[buildkit.Messages, dict[str, str]],
    dockerfile: Dockerfile | None,
    target: str | None,
    key: str,
) -> Recorded:
    messages, facts = found
    made = buildkit.recorded(
        messages, key=key, given=dockerfile, target=target, format="BuildKit rawjson"
    )
    return replace(made, facts=facts)


def _of_trace(
    trace_id: str, trace: otlp.Trace, dockerfile: Dockerfile | None, target: str | None, key: str
) -> Recorded:
    del key  # the trace's own id tells it from the others of any file
    return otlp.recorded(trace_id, trace, dockerfile, target)


def _of_lines(
    found: plain.Build, dockerfile: Dockerfile | None, target: str | None, key: str
) -> Recorded:
    return plain.recorded(found, key, dockerfile, target)


def _of_steps(
    found: step_logs.Build, dockerfile: Dockerfile | None, target: str | None, key: str
) -> Recorded:
    return step_logs.recorded(found, key, dockerfile, target)
