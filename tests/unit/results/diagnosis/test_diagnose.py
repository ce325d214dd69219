"""Since when a finding is there, what it is compared with, and how the command shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.model.origin import Origin
from lab.results import runs, store
from lab.results.diagnosis.diagnose import diagnose
from tests import log_runs
from tests.log_runs import Log, Printed

COMMAND = "make"


def printed(*lines: str, code: int = 0, seconds: float = 2.0) -> list[Printed]:
    """One step that prints these lines."""
    return [Printed(COMMAND, Log(seconds, code, tuple((0.1, line) for line in lines)))]


GOOD = printed("compiling a.c", "linked app")
BAD = printed("compiling a.c", "a.c:3: error: token=hunter2 undeclared", code=2)
FLAKY = printed("compiling a.c", "--- FAIL: TestReload (0.1s)", code=1)


def days(results: Path, *steps: list[Printed]) -> store.StoredRun:
    """A run a day, of one build each; the last one."""
    stored = None
    for day, one in enumerate(steps, 1):
        origin = Origin(commit=f"{day:040x}", branch="main")
        stored = log_runs.write(results, "shop", [one], day=day, origin=origin)
    assert stored is not None
    return stored


def test_the_first_bad_build_is_named_with_its_commit(tmp_path: Path) -> None:
    stored = days(tmp_path, GOOD, GOOD, GOOD, BAD, BAD)
    (found,) = diagnose(stored, tmp_path)
    since = found.shown[0].since
    assert since.run == "20261104-100000-shop"
    assert since.commit == f"{4:040x}"[:9]
    assert since.others == 0


def test_what_comes_and_goes_is_said_to(tmp_path: Path) -> None:
    stored = days(tmp_path, GOOD, FLAKY, GOOD, FLAKY, GOOD, FLAKY)
    (found,) = diagnose(stored, tmp_path)
    since = found.shown[0].since
    assert (since.run, since.others, since.looked) == ("20261106-100000-shop", 2, 5)


def test_a_word_that_varies_among_good_builds_is_not_new(tmp_path: Path) -> None:
    def named(word: str, *more: str) -> list[Printed]:
        return printed("compiling a.c", f"warning: container {word} removed", "linked app", *more)

    names = [named(word) for word in ("brave", "calm", "eager", "witty")]
    (found,) = diagnose(days(tmp_path, *names), tmp_path)
    assert not found.shown
    (other,) = diagnose(days(tmp_path / "b", *names[:3], named("x", "warning: x")), tmp_path / "b")
    assert [one.finding.text for one in other.shown] == ["warning: x"]


def test_builds_of_the_run_itself_are_compared_where_there_are_no_others(tmp_path: Path) -> None:
    stored = log_runs.write(tmp_path, "shop", [GOOD, GOOD, BAD, GOOD])
    (found,) = diagnose(stored, tmp_path)
    assert found.shown[0].finding.line == 2
    assert [len(found.shown[0].builds), found.builds, found.failed, found.good] == [1, 4, 1, 2]


def test_a_step_that_became_slow_names_the_line_it_waited_after(tmp_path: Path) -> None:
    slow = [Printed(COMMAND, Log(30.0, 0, ((0.1, "compiling a.c"), (29.0, "linked app"))))]
    (found,) = diagnose(days(tmp_path, GOOD, GOOD, GOOD, slow), tmp_path)
    first = found.shown[0].finding
    assert (first.kind, first.text) == ("slowed", "compiling a.c")
    assert first.seconds == pytest.approx(28.9, abs=0.1)


def test_lines_that_went_missing_are_found(tmp_path: Path) -> None:
    (found,) = diagnose(days(tmp_path, GOOD, GOOD, GOOD, printed("compiling a.c")), tmp_path)
    assert [(o.finding.kind, o.finding.text) for o in found.shown] == [("missing", "linked app")]


def test_the_command_masks_and_says_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = days(tmp_path, GOOD, GOOD, BAD)
    with pytest.raises(SystemExit, match="0"):
        main(["diagnose", stored.run.id, "--results", str(tmp_path)])
    text = capsys.readouterr().out
    assert "line 2: a.c:3: error: token=[masked] undeclared" in text
    assert "hunter2" not in text
    with pytest.raises(SystemExit, match="0"):
        main(["diagnose", stored.run.id, "--results", str(tmp_path), "--json"])
    shown = json.loads(capsys.readouterr().out)["diagnoses"][0]["shown"][0]
    assert shown["finding"]["kind"] == "failed"
    assert "hunter2" not in json.dumps(shown)


def test_a_build_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = days(tmp_path, GOOD)
    with pytest.raises(SystemExit, match="2"):
        main(["diagnose", stored.run.id, "--build", "none", "--results", str(tmp_path)])
    assert "one of: 0001" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("buildx0.29-edit.plain.log", "buildx0.29-fail.plain.log"),
        ("buildx0.29-edit.rawjson", "buildx0.29-fail.rawjson"),
        ("docker20.10-cold.plain.log", "docker20.10-fail.plain.log"),
        ("docker28-cold.classic.log", "docker28-fail.classic.log"),
        ("podman5.8-rusage-edit.log", "podman5.4-fail.log"),
    ],
)
def test_an_imported_log_keeps_what_its_steps_printed(tmp_path: Path, good: str, bad: str) -> None:
    logs = Path(__file__).parents[3] / "golden" / "imported"
    with pytest.raises(SystemExit, match="0"):
        main(["import", str(logs / good), str(logs / bad), "--results", str(tmp_path)])
    failed = next(
        one
        for name in runs.runs(tmp_path)
        if (one := runs.read(tmp_path / name)).builds[0].status == "failed"
    )
    (found,) = diagnose(failed, tmp_path)
    first = found.shown[0].finding
    assert (first.kind, first.text) == ("failed", "oh no")


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["E: a list:", "  pkg cannot be had"], "E: a list: pkg cannot be had"),
        (["[ERROR]", "[ERROR] BUILD ERROR :", "[ERROR] x cannot be"], "[ERROR] x cannot be"),
        (["allocation failure, trying again", "FATAL ERROR: no memory"], "FATAL ERROR: no memory"),
        (["help: an error, see the book", "x.c: error: y"], "x.c: error: y"),
        (["this may mean an error of yours", "x.c: error: y"], "x.c: error: y"),
        (["the file a is missing"], "the file a is missing"),
    ],
)
def test_a_failed_steps_most_telling_line_is_first(
    tmp_path: Path, lines: list[str], first: str
) -> None:
    stored = days(tmp_path, GOOD, GOOD, printed("compiling a.c", *lines, "and so on", code=1))
    (found,) = diagnose(stored, tmp_path)
    assert found.shown[0].finding.text == first


def test_columns_of_another_width_are_the_same_line(tmp_path: Path) -> None:
    stored = days(
        tmp_path,
        *(printed("compiling a.c", f"1450K ...   100% {rate}M", "linked app")
          for rate in ("517", " 41", "6.1", "  9")),
    )  # fmt: skip
    (found,) = diagnose(stored, tmp_path)
    assert not found.shown
