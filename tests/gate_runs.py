"""Recorded runs for the gate's tests, written as the store lays them out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main
from lab.model.record import Build, EngineFacts, HostFacts, Image, RunStatus
from tests.factories import ENGINE, HOST, RUN, build, run

POLICY = """\
name: tried
rules:
  - {metric: wall, relative: +12%}
  - {metric: image_size, absolute: 100 B}
"""
PASS, FAIL, CANNOT_TELL, REFUSED = 0, 4, 5, 2


def record(
    folder: Path,
    walls: Sequence[float],
    *,
    host: HostFacts = HOST,
    engine: EngineFacts = ENGINE,
    status: RunStatus = "complete",
    scenario: str = "tried",
    size: int = 1000,
    builds: Sequence[Build] | None = None,
    **differing: Any,
) -> Path:
    """A run of one cell and one phase whose rounds took ``walls``; its folder. ``differing`` is
    what else its head says.
    """
    folder.mkdir(parents=True)
    head = run(
        folder.name,
        status=status,
        scenario=replace(RUN.scenario, name=scenario),
        host=host,
        engines=(replace(engine, host=host),),
        **differing,
    )
    (folder / "run.json").write_text(json.dumps(head.to_json()))
    image = Image(id="sha256:1", size_bytes=size, layers=1)
    made = [build(number, wall, image=image) for number, wall in enumerate(walls, 1)]
    lines = [json.dumps(one.to_json()) + "\n" for one in (made if builds is None else builds)]
    (folder / "builds.jsonl").write_text("".join(lines))
    return folder


class Gate:
    """`lab gate` as its user meets it: its exit code, what it prints, what it says of errors."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._policy, self._capsys = folder / "policy.yaml", capsys

    def __call__(self, *words: str | Path, policy: str = POLICY) -> tuple[int, str, str]:
        self._policy.write_text(policy)
        with pytest.raises(SystemExit) as ended:
            main.main(["gate", "--policy", str(self._policy), *map(str, words)])
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err
