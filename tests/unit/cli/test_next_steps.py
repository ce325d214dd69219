"""What to do next, where a word names nothing and where there is nothing to compare or to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.cli import main
from lab.cli.commands import compare
from lab.model.errors import InputError

Ended = Callable[..., tuple[int, str]]


@pytest.fixture
def ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ended:
    """A command in a folder with a Dockerfile: its exit code, and what it says of errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")

    def called(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main.main([*words])
        return int(ended.value.code or 0), " ".join(capsys.readouterr().err.split())

    return called


@pytest.mark.parametrize(
    ("words", "cause", "remedy"),
    [
        ("compare docker", "docker alone is compared with nothing", "compare docker podman Docker"),
        ("compare podman Dockerfile", "podman alone", "compare podman docker Dockerfile"),
        ("compare docker podman Dokerfile", "no file Dokerfile", "did you mean Dockerfile?"),
        ("compare docker podman gone/Dockerfile", "no file gone/Dockerfile", "by its path"),
        ("compare dokcer docker", "no engine is named 'dokcer'", "one of docker"),
        ("cost Dokerfile", "no file Dokerfile", "did you mean Dockerfile?"),
        ("cost latest", "no runs in results", "`lab run --dockerfile Dockerfile`"),
        ("history", "no runs in results", "`lab run --dockerfile Dockerfile`"),
        ("validate gone.tar", "there is no image 'gone.tar'", "name the file by its path"),
        ("validate trixy", "there is no image 'trixy'", "did you mean trixie?"),
        ("validate bokworm+go1.22.10", "no image 'bokworm", "did you mean bookworm+go1.22.10?"),
    ],
)
def test_the_next_step_is_one_that_can_be_taken(
    ended: Ended, words: str, cause: str, remedy: str
) -> None:
    code, told = ended(*words.split())
    said, _, after = told.partition("next:")
    assert code in {2, 9}
    assert cause in said
    assert remedy in after


def test_the_demo_is_told_as_the_demo(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(*_: object) -> None:
        raise InputError("this test builds nothing")

    monkeypatch.setattr(compare, "run_scenario", ran)
    told = ended("compare", "docker", "podman")[1]
    assert "the lab's demo, layer-cache" in told
    assert "`lab compare docker podman Dockerfile` builds yours" in told
    assert "demo" not in ended("compare", "docker", "podman", "Dockerfile")[1]
