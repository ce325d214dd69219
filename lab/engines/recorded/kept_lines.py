"""The lines of one build, with no more of what its steps printed than its end may need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import NotRead

_TELLS = re.compile(
    r"(?:\[\d+/\d+\] )?(?:STEP \d|COMMIT\b|-->)| ---> |Step \d|Successfully |Error|error"
    r"|The command |Removing intermediate|[0-9a-f]{64}$|.*\(elapsed\)"
)
_OUTPUT, _MOST = 60, 100_000


@dataclass(slots=True)
class KeptLines:
    """Lines in their order: all that can tell something, and of the others the last before each."""

    lines: list[Line] = field(default_factory=list)
    _output: int = 0

    def add(self, line: Line) -> None:
        """Keep a line. Raises NotRead where there are more than any build prints."""
        self.lines.append(line)
        if _TELLS.match(line.text):
            self._output = 0
            if len(self.lines) > _MOST:
                raise NotRead(f"one build of more than {_MOST} lines", f"line {line.number}")
        elif self._output < _OUTPUT:
            self._output += 1
        else:
            del self.lines[-_OUTPUT - 1]
