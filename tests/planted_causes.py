"""A cause planted in one step of a build, the others going well, and what is said of it first."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.results import store
from lab.results.diagnosis.diagnose import Diagnosis, diagnose
from tests import log_runs
from tests.log_runs import Log, Printed

EARLIER = 6


@dataclass(frozen=True, slots=True)
class Cause:
    """The tool whose step it is in, what that prints, and words of the line to be named first; None
    where the step is silent.
    """

    tool: str
    log: str
    line: str | None
    kinds: tuple[str, ...] = ("failed",)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a build: each tool's command, and recorded logs, TOOL-good1 to 4 among them."""

    commands: Mapping[str, str]
    logs: Mapping[str, Log]

    def good(self, folder: Path) -> store.StoredRun:
        """Builds that went well, of the first three recordings of each tool."""
        draw = random.Random(1)
        builds = [self.build(draw, (1, 2, 3)) for _ in range(EARLIER)]
        return log_runs.write(folder, "shop", builds)

    def build(self, draw: random.Random, among: Sequence[int]) -> list[Printed]:
        """The steps of one that goes well, each at a pace of its own."""
        return [
            Printed(
                command,
                self.logs[f"{tool}-good{draw.choice(among)}"].paced(log_runs.pace(draw)),
            )
            for tool, command in self.commands.items()
        ]

    def clean(self, number: int, good: store.StoredRun, results: Path) -> Diagnosis:
        """What is said of one more that went well, of the fourth recordings."""
        return _diagnosed(self.build(random.Random(100 + number), (4,)), good, results)

    def wrong(
        self,
        case: Cause,
        log: Log,
        good: store.StoredRun,
        results: Path,
    ) -> str:
        """Empty where the planted step and line come first, else what does."""
        place = list(self.commands).index(case.tool)
        steps = self.build(random.Random(case.log), (4,))
        steps[place] = Printed(self.commands[case.tool], log)
        shown = _diagnosed(steps, good, results).shown
        if not shown:
            return "nothing"
        first = shown[0].finding
        told = first.text is None if case.line is None else case.line in (first.text or "")
        if told and first.step == place + 1 and first.kind in case.kinds:
            return ""
        return f"{first.kind} of step {first.step}: {first.text} ({first.detail})"


def _diagnosed(steps: Sequence[Printed], good: store.StoredRun, results: Path) -> Diagnosis:
    stored = log_runs.write(results, "shop", [steps], day=2)
    (found,) = diagnose(stored, results, against=good)
    assert found.good == EARLIER
    return found
