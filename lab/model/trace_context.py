"""The ids of a run's trace, as W3C Trace Context has them (https://www.w3.org/TR/trace-context/).

They follow from the run's id: the daemon is told a build's span before the build, and the span
itself is made of the record after it, by whoever has the record.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A run's trace. ``trace_id`` has 32 hexadecimal digits; ``parent`` is the span, 16 digits,
    that the run stands below: a CI job's, which says it in the variable TRACEPARENT.
    """

    run: str
    trace_id: str
    parent: str | None = None

    @classmethod
    def of(cls, run: str, traceparent: str | None = None) -> Self:
        """The trace of a run's id. What is no traceparent, or one of nothing, is passed over."""
        match = _TRACEPARENT.fullmatch((traceparent or "").strip())
        if match is not None and int(match[1], 16) and int(match[2], 16):
            return cls(run, match[1], match[2])
        return cls(run, _digits(32, "trace", run))

    def span(self, *names: str) -> str:
        """The id of the span of the run (no names), a cell, a build, or a build's step."""
        return _digits(16, "span", self.run, *names)

    def traceparent(self, build: str) -> str:
        """What a build's request carries, so that a daemon hangs its spans below the build's."""
        return f"00-{self.trace_id}-{self.span('build', build)}-01"


def _digits(count: int, *parts: str) -> str:
    """Hexadecimal digits, never all zero: that would be no id."""
    named = "\0".join(parts).encode(errors="backslashreplace")
    return hashlib.sha256(named).hexdigest()[:count].replace("0", "1", 1)
