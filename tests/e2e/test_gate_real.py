"""The gate on a real engine: real work slows a candidate down, and fresh rounds clear one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Desk

LOOP = "RUN i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done\n"
# CPU seconds stay what they are on a busy machine, on which every build counts as disturbed.
POLICY = "name: real\ndegraded: use-unfit\nrules:\n  - {metric: cpu, relative: 25%}\n"


@pytest.mark.timing
@pytest.mark.usefixtures("bookworm")
def test_the_gate_fires_on_real_work_and_clears_what_fresh_rounds_do_not_bear_out(
    desk: Desk,
) -> None:
    path = desk.scenario(LOOP, phases=["cold"], rounds=6)
    desk.write("policy.yaml", POLICY)
    ended = desk.lab("run", path, "--private", "--quiet")
    assert ended.code == 0, ended.err
    run = Path(ended.out.splitlines()[-1])
    gate = ("gate", "--policy", "policy.yaml", "--quiet")

    words = ("--prove", "--candidate", str(run), "--rounds", "6", "--slowdown", "400")
    proved = desk.lab(*gate, *words, "--results", "proof")
    assert proved.code == 0, proved.out + proved.err
    assert "an injected slow-down: detected" in proved.out
    assert re.search(
        r"labels shuffled: \d+ false alarms of 200.*: no more than the certainty allows", proved.out
    )
    assert re.search(r"cold, cpu: [\d.]+ % in 6 rounds", proved.out)

    # The same run, as a bad moment of the machine would have measured it.
    bad = desk.folder / "results" / "bad"
    shutil.copytree(desk.folder / run, bad)
    head = json.loads((bad / "run.json").read_text()) | {"id": "bad"}
    (bad / "run.json").write_text(json.dumps(head))
    records = [json.loads(line) for line in (bad / "builds.jsonl").read_text().splitlines()]
    for record in records:
        record["cpu_s"] *= 2
    (bad / "builds.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    sides = ("--baseline", str(run), "--candidate", str(bad))
    assert desk.lab(*gate, *sides).code == 4
    shutil.copytree(desk.folder / "own", desk.folder / "main" / "own")  # a checkout of the baseline
    shutil.copy(desk.folder / path, desk.folder / "main" / path)
    again = ("--confirm", "--baseline-scenario", f"main/{path}", "--rounds", "8")
    cleared = desk.lab(*gate, *sides, *again, "--results", "fresh")
    assert cleared.code == 0, cleared.out + cleared.err
    assert "decide, after a fail" in cleared.out
    assert not desk.left()
