"""A worker's bench: what it keeps for homes, and trials that are brought twice."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from lab.runner.fleet.bench import KEPT, Bench


def bench(folder: Path) -> Bench:
    return Bench(folder, slots=0, endpoints={}, pace=0.0)


def test_what_no_home_asked_for_is_not_kept_for_ever(tmp_path: Path) -> None:
    for name, age in (("old", KEPT + 60), ("new", KEPT - 60)):
        path = tmp_path / f"{name}.messages"
        path.write_text("")
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    bench(tmp_path)
    assert [path.name for path in tmp_path.glob("*.messages")] == ["new.messages"]


def test_a_trial_that_is_brought_again_is_built_once(tmp_path: Path) -> None:
    async def taken() -> list[int]:
        made = bench(tmp_path)
        await made.begin("run", "epoch", "{}")
        trials = [{"place": number} for number in range(3)]
        await made.take("epoch", 0, trials[:2])
        await made.take("epoch", 0, trials[:2])  # its answer was lost
        await made.take("epoch", 0, trials)  # and one more came with it
        await made.take("other", 3, trials)
        found = [made._queue.get_nowait()["place"] for _ in range(made._queue.qsize())]
        await made.close()
        return found

    assert asyncio.run(taken()) == [0, 1, 2]
