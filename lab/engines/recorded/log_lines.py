"""The lines of a log, without what a CI system or a terminal put around them.

Prefixes: GitHub's raw logs have a time to 100 ns and a blank (actions/runner, Runner.Common,
Logging.cs), `gh run view --log` has job and step before it; GitLab's have a time, the stream and
whether the line goes on (docs.gitlab.com, "View job logs with timestamps"); Jenkins' Timestamper
has brackets. Section marks of GitLab and colours are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from lab.engines.recorded.types import LARGEST, NotRead

LATEST_S = 4e9  # in the year 2096: later than that is no time of day
LONGEST = 1 << 20  # a longer line is cut: no tool's own line is near it

_STAMP = re.compile(
    r"(?:\ufeff)?(?:[^\t\n]{0,200}\t[^\t\n]{0,200}\t\ufeff?)?"  # gh: job, step
    r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)\]? ?"
    r"(?:[0-9a-f]{2}[OE]([ +]))?"
)
# Podman's own log has times of whole seconds; at level debug it has lines all the time.
_LOGRUS = re.compile(
    r'time="(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)" level=(debug|info|warning) '
)
_SECTION = re.compile(r"section_(?:start|end):\d+:[^\r\n]*?\r")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_FACTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("repository", re.compile(r"(?:##\[\w+\])?Syncing repository: (\S{3,200})")),
    ("branch", re.compile(r"\[command\]\S*git checkout .*-B (\S{1,200}) refs/remotes/origin/\S+")),
    ("change", re.compile(r"\[command\]\S*git checkout .*refs/remotes/pull/(\d+)/merge")),
    ("commit", re.compile(r"'?([0-9a-f]{40})'?")),
    ("commit", re.compile(r"Checking out ([0-9a-f]{8,40}) as (?:detached HEAD|\S)")),
    ("branch", re.compile(r"Checking out [0-9a-f]{8,40} as .*\(ref is (\S{1,200})\)\.\.\.")),
    ("job", re.compile(r"Complete job name: (.{1,200})")),
)
_TELLING = ("Syncing repository", "##[", "[command]", "Checking out ", "Complete job name")
_AFTER_LOG = re.compile(r"\[command\]\S*git log -1 --format=")


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its place in the file from 1, when it was written (seconds since 1970), its text.

    ``own`` is the time that Podman's own log puts into a line of it.
    """

    number: int
    at: float | None
    text: str
    own: float | None = None


def lines(file: BinaryIO, facts: dict[str, str]) -> Iterator[Line]:
    """Every line. ``facts`` learns what the lines before a build say of commit, branch and job.

    Raises NotRead where there is more than LARGEST of them, or a byte that no text has.
    """
    total, number, at, hash_due = 0, 0, None, False
    stamped = False
    while data := file.readline(LONGEST):
        total += len(data)
        if total > LARGEST:
            raise NotRead(f"more than {LARGEST >> 20} MiB: cut the build's part out of it")
        if b"\0" in data:
            raise NotRead("it is no text", f"line {number + 1}")
        number += 1
        text = data.decode("utf-8", "replace").rstrip("\r\n")
        if (match := _STAMP.match(text)) is not None:
            stamp = _seconds(match[1], match[2], match[3])
            if stamp is not None:
                at, text, stamped = stamp, text[match.end() :], True
        if "\x1b" in text or "section_" in text:
            text = _TERMINAL.sub("", _SECTION.sub("", text))
        logrus = _LOGRUS.match(text)
        own = None if logrus is None else _seconds(logrus[1], None, logrus[2])
        if logrus is not None and logrus[3] == "debug" and not stamped:
            at = own or at
        _learn(text, facts, hash_due=hash_due)
        hash_due = _AFTER_LOG.match(text) is not None
        yield Line(number, at, text, own)


def _seconds(text: str, fraction: str | None, zone: str) -> float | None:
    try:
        whole = datetime.fromisoformat(f"{text}{zone.replace('Z', '+00:00')}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    at = whole.timestamp() + float(f"0.{fraction or 0}")
    return at if 0 < at < LATEST_S else None


def _learn(text: str, facts: dict[str, str], *, hash_due: bool) -> None:
    if len(text) > 400 or not (hash_due or text.startswith(_TELLING)):
        return
    for name, pattern in _FACTS:
        match = pattern.match(text)
        if match is not None:
            facts[name] = match[1]
            facts["ci"] = "gitlab" if text.startswith("Checking") else "github"
