"""Figures that Go's own tools wrote: benchmark output and coverage profiles.

Formats: https://go.dev/design/14313-benchmark-format and the text of `go help testflag`
(-coverprofile): a line ``mode: MODE``, then ``FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import InputError

_BLOCK = re.compile(r"(.+:\d+\.\d+,\d+\.\d+) (\d{1,9}) (\d{1,18})")
_HEAD = re.compile(r"(goos|goarch|pkg|cpu): (.*)")
_NAME = re.compile(r"Benchmark\S*")
_BROKEN = re.compile(r"(?:--- )?FAIL\b|panic: |fatal error: |exit status [1-9]")
MACHINE = ("goos", "goarch", "cpu")
EXPECTED = (
    "expected the whole output of `go test -bench`, a profile that `go test -coverprofile` wrote, "
    "or a run of the lab"
)
OWN_UNITS = ("ns/op", "MB/s", "B/op", "allocs/op")  # Go's; others are what b.ReportMetric says


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    """Go benchmark output. ``samples``: benchmark -> unit -> its values in their order.

    ``machine`` is what its head lines say of goos, goarch and cpu.
    """

    path: Path
    samples: Mapping[str, Mapping[str, tuple[float, ...]]]
    machine: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A coverage profile: how many of its statements ran."""

    path: Path
    statements: int
    covered: int

    @property
    def share(self) -> float:
        """The share of the statements that ran."""
        return self.covered / self.statements


def read(path: Path) -> Benchmarks | Coverage:
    """The figures in a file. Raises InputError where it is empty, cut off or neither of both."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(path, 1, "no text in UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", remedy=EXPECTED) from error
    if not text.strip():
        raise InputError(f"{path} is empty: there is nothing to compare with", remedy=EXPECTED)
    if not text.endswith("\n"):
        raise _refused(path, text.count("\n") + 1, "the last line is cut off")
    return _coverage(path, text) if text.startswith("mode:") else _benchmarks(path, text)


def _refused(path: Path, line: int, why: str) -> InputError:
    return InputError(f"{path}:{line}: {why}", remedy=EXPECTED)


def _coverage(path: Path, text: str) -> Coverage:
    first, *lines = text.splitlines()
    if first.removeprefix("mode:").strip() not in {"set", "count", "atomic"}:
        raise _refused(path, 1, f"{first!r} is no mode of a coverage profile")
    blocks: dict[str, tuple[int, bool]] = {}
    for number, line in enumerate(lines, 2):
        match = _BLOCK.fullmatch(line)
        if match is None:
            raise _refused(path, number, f"{line[:80]!r} is no line of a coverage profile")
        # Profiles of several packages, put together, tell the same block more than once.
        _, ran = blocks.get(match[1], (0, False))
        blocks[match[1]] = (int(match[2]), ran or int(match[3]) > 0)
    total = sum(count for count, _ in blocks.values())
    if not total:
        raise _refused(path, 1, "a coverage profile without a statement")
    covered = sum(count for count, ran in blocks.values() if ran)
    return Coverage(path=path, statements=total, covered=covered)


def _benchmarks(path: Path, text: str) -> Benchmarks:
    samples: dict[str, dict[str, list[float]]] = {}
    machine: dict[str, str] = {}
    package, ended, begun = "", False, False
    for number, line in enumerate(text.splitlines(), 1):
        head = _HEAD.fullmatch(line)
        words = line.split()
        if head is not None:
            begun, ended = True, False  # every package has a head and an end of its own
            package = head[2] if head[1] == "pkg" else package
            if head[1] in MACHINE and machine.setdefault(head[1], head[2]) != head[2]:
                raise _refused(path, number, f"two machines in one file: {line}")
        elif _BROKEN.match(line):
            raise _refused(path, number, f"its tests did not pass: {line[:80]!r}")
        elif line == "PASS" or line.startswith("ok  "):
            ended = True
        elif len(words) > 3 and _NAME.fullmatch(words[0]) and words[1].isdecimal():
            name = f"{package}.{words[0]}" if package else words[0]
            for unit, value in _values(path, number, words[2:]):
                samples.setdefault(name, {}).setdefault(unit, []).append(value)
    if not samples:
        raise _refused(path, 1, "neither a benchmark nor a coverage profile is in it")
    if begun and not ended:
        raise _refused(path, text.count("\n"), "it is partial: it stops before PASS")
    frozen = {
        name: {unit: tuple(values) for unit, values in units.items()}
        for name, units in samples.items()
    }
    return Benchmarks(path=path, samples=frozen, machine=machine)


def _values(path: Path, number: int, words: list[str]) -> Iterator[tuple[str, float]]:
    if len(words) % 2:
        raise _refused(path, number, "a value without its unit")
    for text, unit in zip(words[::2], words[1::2], strict=True):
        try:
            value = float(text)
        except ValueError:
            raise _refused(path, number, f"{text!r} is no number") from None
        if not math.isfinite(value) or (value < 0 and unit in OWN_UNITS):
            raise _refused(path, number, f"{text} {unit} is no measurement")
        yield unit, value
