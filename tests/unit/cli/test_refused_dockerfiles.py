"""Commands that read a Dockerfile refuse one that builders refuse, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.main import main

# A last line with nothing but the escape character: docker 20.10.24 and 28.5.2 refuse it.
OPEN = "FROM scratch\n\\"


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "{}", "--edit", "base"],
        ["advise", "{}"],
        ["validate", "{}"],
        ["explain", "--between", "{}", "{}"],
        ["run", "--dockerfile", "{}", "--engine", "simulated"],
    ],
    ids=lambda command: command[0],
)
def test_a_line_that_goes_on_into_nothing_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(OPEN)
    with pytest.raises(SystemExit) as stop:
        main([word.format(path) for word in command])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Dockerfile: line 2: an escape character" in said
    assert "Traceback" not in said


def test_it_is_refused_before_an_engine_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody answers at that address: only whoever asks first finds out."""
    path = tmp_path / "Dockerfile"
    words = ["run", "--dockerfile", str(path), "--engine", "docker=unix:///nobody.sock"]
    words += ["--quiet", "--results", str(tmp_path / "out")]
    for text, code in ((OPEN, 2), ("FROM scratch\nCOPY . /\n", 7)):
        path.write_text(text)
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == code, capsys.readouterr().err
        assert not list(tmp_path.glob("out/*/run.json"))
