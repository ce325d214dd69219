"""`lab verify` killed with -9 goes on inside the claim that it was at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CLAIMS = """\
name: killed
source: {title: a test}
claims:
  - id: start-up
    says: A go command starts in a tenth of a second.
    experiment: startup
    settings: {go: 1.22.10, rounds: "8"}
    expect: [{part: on the disk, series: disk/version/warm, at_most: 10}]
"""
COMMAND = [sys.executable, "-c", "from lab.cli.main import main; main()", "verify"]


def samples(path: Path) -> list[dict[str, object]]:
    """The whole lines of a file of samples, without its head."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True)[1:] if line[-1] == "\n"]


def test_a_killed_run_goes_on_with_the_samples_that_are_there(tmp_path: Path) -> None:
    """The oracle is the file as the kill left it: no clock gives the same figures twice."""
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    command = [*COMMAND, tmp_path / "claims.yaml", "--results", tmp_path / "results"]
    kept: list[dict[str, object]] = []
    for least in (2, 5):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) as verifying:
            deadline = time.monotonic() + 300
            while len(now := samples(_journal(tmp_path))) < least:
                assert verifying.poll() is None, "it ended before it was killed"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            verifying.send_signal(signal.SIGKILL)
        now = samples(_journal(tmp_path))
        assert now[: len(kept)] == kept
        assert len(now) >= least
        kept = now
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"going on after {len(kept)} samples" in done.stderr
    (outcome,) = (tmp_path / "results").glob("verify-killed-*/outcomes/start-up.json")
    series = json.loads(outcome.read_text())["outcome"]["series"]
    assert all(len(one["samples"]) == 8 for one in series.values()), series.keys()
    before: dict[str, list[float]] = {}
    for sample in kept:
        assert isinstance(sample["found"], dict)
        for name, took in sample["found"].items():
            before.setdefault(name, []).extend(took)
    assert before
    for name, took in before.items():
        assert series[name]["samples"][: len(took)] == took
    assert not _journal(tmp_path).exists()
    page = (outcome.parents[1] / "report.md").read_text()
    assert f"taken up again after {len(kept)} of its samples" in page


def _journal(folder: Path) -> Path:
    found = list((folder / "results").glob("verify-killed-*/samples/start-up.jsonl"))
    return found[0] if found else folder / "none"
