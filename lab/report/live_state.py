"""The build that a run is at, beside its records for as long as it goes on: live.json.

Written by the run's watcher at most once a second, so that watching costs the builds nothing that
a measurement would show; read by `lab serve`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.dockerfile.instruction_text import untimed
from lab.host.disk import dump, write
from lab.model import cell_names, events, units
from lab.model.errors import LabError
from lab.report.formatting import clean, one_line
from lab.runner import runner

FILE = "live.json"
EVERY = 1.0  # seconds


class LiveStateWriter:
    """Keeps live.json of one run's folder until it is closed."""

    def __init__(self, folder: Path, total: int, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._written = -EVERY
        self._began: runner.BuildStarted | None = None
        self._start = 0.0
        self._steps: dict[int, dict[str, Any]] = {}
        self._hosts: dict[str, dict[str, Any]] = {}  # of a fleet: what each builds
        self._done = 0
        self._total = total

    def see(self, event: runner.RunEvent) -> None:
        """One event, in its order."""
        match event:
            case runner.BuildStarted(host=host):
                self._began, self._start, self._steps = event, self._clock(), {}
                if host is not None:
                    self._hosts[host] = {
                        "build": event.build_id,
                        "cell": dict(event.trial.cell.axes),
                        "phase": event.phase.name,
                        "began": self._start,
                    }
            case events.StepStarted(at=at, step=step):
                self._steps.setdefault(step, {"start": at, "end": None, "outcome": None})
            case events.StepEnded(at=at, step=step, outcome=outcome):
                known = self._steps.setdefault(step, {"start": at})
                known |= {"end": at, "outcome": outcome}
            case runner.BuildFinished(build=build):
                self._done += 1
                if self._hosts.get(build.host or "", {}).get("build") == build.id:
                    del self._hosts[build.host or ""]
            case _:
                return
        self._write()

    def close(self) -> None:
        """The run has ended: nothing is under way."""
        with suppress(OSError):
            (self._folder / FILE).unlink(missing_ok=True)

    def _write(self) -> None:
        now = self._clock()
        if self._began is None or now - self._written < EVERY:
            return
        self._written = now
        texts = self._began.dockerfile.instructions
        value = {
            "build": self._began.build_id,
            "phase": self._began.phase.name,
            "cell": dict(self._began.trial.cell.axes),
            "began": self._start,
            "pid": os.getpid(),
            "done": self._done,
            "total": self._total,
            "hosts": self._hosts,
            "steps": [
                {"index": step, "instruction": texts[step].text, **state}
                for step, state in sorted(self._steps.items())
            ],
        }
        with suppress(LabError):  # a view is not worth a run
            write(self._folder, FILE, dump(value))


def read(folder: Path, clock: Callable[[], float] = time.time) -> dict[str, Any] | None:
    """What is under way, as a chart's rows and a sentence; None where nothing is."""
    try:
        state = json.loads((folder / FILE).read_bytes())
        os.kill(state["pid"], 0)  # after a kill -9 the file stays, and nobody builds
        spent = clock() - float(state["began"])
        cell = cell_names.short(state["cell"])
        now = f"{cell}, {state['phase']}: {units.seconds(spent)}"
        rows = [_row(step, spent) for step in state["steps"]]
        if hosts := state.get("hosts"):
            at = enumerate(sorted(hosts.items()))
            rows = [_at(host, build, order, clock()) for order, (host, build) in at]
            now = "; ".join(row["label"] for row in rows)
        said = f"{state['done']} of {state['total']} builds done; now {now}"
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return {"said": one_line(said, 300), "rows": rows}


def _at(host: str, build: Mapping[str, Any], order: int, now: float) -> dict[str, Any]:
    """What a host of a fleet builds."""
    label = one_line(clean(f"{host}: {cell_names.short(build['cell'])}, {build['phase']}"), 64)
    spent = max(now - float(build["began"]), 0.0)
    tip = f"{label}\n{units.seconds(spent)}"
    told = {"label": label, "order": order, "start": 0.0, "end": spent}
    return {**told, "outcome": "unknown", "tip": tip}


def _row(step: Mapping[str, Any], spent: float) -> dict[str, Any]:
    start = float(step["start"])
    end = spent if step.get("end") is None else float(step["end"])
    label = one_line(f"{int(step['index']) + 1}: {untimed(clean(step['instruction']))}", 64)
    outcome = str(step.get("outcome") or "unknown")
    return {
        "label": label,
        "order": int(step["index"]),
        "start": start,
        "end": max(end, start),
        "outcome": outcome,
        "tip": f"{label}\n{outcome}, {units.seconds(max(end - start, 0.0))}",
    }
