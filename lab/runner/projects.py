"""The projects that a run builds, each read once: all its builds are made of the same files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from lab.dockerfile.cachekey.file_facts import facts
from lab.dockerfile.cachekey.inputs import FileFacts
from lab.dockerfile.context import Context
from lab.dockerfile.kept_context import KeptFolder, told
from lab.results import runs
from lab.results.runs import StoredRun
from lab.scenario import plan
from lab.scenario.build_inputs import Images, render_cell
from lab.scenario.model import Own, Scenario
from lab.scenario.plan import Cell


class Projects:
    """Folders as they were when each was first asked for. ``warn`` is told what became of them."""

    def __init__(self, stack: ExitStack, warn: Callable[[str], None]) -> None:
        self._stack, self._warn = stack, warn
        self._kept: dict[tuple[Path, str], KeptFolder] = {}

    @classmethod
    @contextmanager
    def open(cls, warn: Callable[[str], None]) -> Iterator[Self]:
        """None yet; what is kept is let go at the end."""
        with ExitStack() as stack:
            yield cls(stack, warn)

    def of(self, scenario: Scenario) -> Context:
        """What the scenario builds: generated, or the user's own as it was first read."""
        work = scenario.workload
        if not isinstance(work, Own):
            return plan.project(scenario)
        place = (work.context.resolve(), work.dockerfile)
        if place not in self._kept:
            opened = KeptFolder.open(work.context, work.dockerfile)
            self._kept[place] = self._stack.enter_context(opened)
        return self._kept[place].context

    def look(self) -> None:
        """Warn of what somebody changed on disk since this was last asked."""
        for one in self._kept.values():
            if changes := one.changes():
                self._warn(
                    f"the context {one.folder} changed on disk while the run went on ({changes}): "
                    "every build was made of what it held when the run began"
                )

    def compare(
        self, scenario: Scenario, stored: StoredRun, images: Callable[[Cell], Images]
    ) -> None:
        """Warn where the run that is gone on with was begun with other files. ``images`` are what
        a cell builds on: some stand in the Dockerfile that is sent.
        """
        work = scenario.workload
        first = next((one for one in stored.builds if one.phase == "cold" and one.manifest), None)
        if not isinstance(work, Own) or first is None or first.manifest is None:
            return
        path = stored.folder / first.manifest
        if not path.exists():  # a run can be gone on with that cannot be explained
            return
        before = _sent(runs.manifest(path).files)
        cell = Cell(axes=first.cell)
        made = render_cell(scenario, cell.axes, images(cell), self.of(scenario), "")
        sent = made.inputs.full_context()
        now = _sent({name: facts(one) for name, one in sent.entries.items()})
        if changes := told(before, now):
            self._warn(
                f"the context {work.context} changed before the run went on ({changes}): builds "
                f"after {stored.builds[-1].id} are made of other files than those before"
            )


def _sent(files: Mapping[str, FileFacts]) -> dict[str, object]:
    """What every engine's cache looks at."""
    return {name: (one.kind, one.content, one.mode) for name, one in files.items()}
