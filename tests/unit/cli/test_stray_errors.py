"""An error of the system is told by what it was about; only the output's own as the output's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.cli import main, parser

SCHEMA = [sys.executable, "-m", "lab", "schema"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/some/file"), 1, "'/some/file'"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "Broken pipe"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/disk"), 10, "'/a/disk'"),
        (FileNotFoundError(errno.ENOENT, "gone", "a\nb\x1b[31m"), 1, r"'a\nb\x1b[31m'"),
    ],
)
def test_what_no_part_of_the_lab_told_is_not_the_outputs(
    error: OSError,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(_: object) -> int:
        raise error

    monkeypatch.setattr(
        parser, "module", lambda _: SimpleNamespace(run=run, options=lambda _: None)
    )
    with pytest.raises(SystemExit) as ended:
        main.main(["schema"])
    told = capsys.readouterr().err
    assert ended.value.code == code
    assert said in told
    assert "lab/cli/main.py:" in told
    assert "next: " in told
    assert "output" not in told


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "code"), [("stdout", 10), ("stderr", 2)])
def test_a_stream_without_room_is_told_where_it_can_be(stream: str, code: int) -> None:
    command = SCHEMA if stream == "stdout" else [*SCHEMA[:-1], "plan", "/nowhere.yaml"]
    with Path("/dev/full").open("w") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: full}
        done = subprocess.run(command, text=True, check=False, **streams)
    assert done.returncode == code
    said = done.stderr if stream == "stdout" else done.stdout
    assert "Traceback" not in said
    if stream == "stdout":
        assert said.startswith("lab: writing its output: No space left on device\n  next: free")


@pytest.mark.slow
def test_nobody_who_reads_errors_changes_no_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run([*SCHEMA[:-1], "plan", "/nowhere.yaml"], check=False, stderr=gone)
    assert done.returncode == 2
