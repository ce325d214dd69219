"""Which run a word means: told by a list of runs that a person can look through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.model.errors import InputError
from lab.model.origin import Origin
from lab.model.record import RunOptions
from lab.results import runs, selector, store
from tests import factories

A, B, C = "a1b2c3d4" * 5, "b7" * 20, "a1b2ffff" * 5


def keep(
    results: Path,
    day: int,
    scenario: str = "tried",
    *,
    builds: int = 1,
    end: bool = True,
    options: RunOptions | None = None,
    name: str | None = None,
    **origin: str | bool,
) -> str:
    """A run that began on a day of November; its id."""
    text = replace(factories.RUN.scenario, name=scenario)
    head = factories.run(
        f"202611{day:02}-120000-{scenario}",
        scenario=text,
        started=f"2026-11-{day:02}T12:00:00.000+00:00",
        name=name,
        options=options or RunOptions(),
        origin=Origin(**origin),  # type: ignore[arg-type]  # the fields are Origin's own
    )
    with store.create(results, head) as writer:
        for number in range(1, builds + 1):
            writer.append(factories.build(number))
        if end:
            writer.finish("complete")
    return head.id


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing writes into it."""
    place = tmp_path_factory.mktemp("runs") / "results"
    keep(place, 1, branch="main", commit=A)
    keep(place, 2, branch="main", commit=B, name="before-go")
    keep(place, 3, "other", branch="main", commit=B)
    keep(place, 4, branch="main", commit=B, end=False)  # it has not come to its end
    keep(place, 5, branch="main", commit=B, options=RunOptions(made_by="gate"))
    keep(place, 6, branch="topic/x", commit=C, head=C[::-1])
    keep(place, 7, branch="main", commit=B, builds=0, end=False)
    return place


@pytest.mark.parametrize(
    ("ref", "day"),
    [
        ("latest", 6),  # the last one has no builds
        ("latest~0", 6),
        ("latest~1", 5),
        ("latest~5", 1),
        ("20261102", 2),
        ("20261102-120000-tried", 2),
        ("before-go", 2),
        ("before-go~0", 2),
        ("main", 3),
        ("main~1", 2),
        ("main~2", 1),
        ("topic/x", 6),
        ("b7b7b", 3),
        (B, 3),
        (f"{B}~1", 2),
        ("a1b2c", 1),
        ("a1b2f", 6),
        (C[::-1][:7], 6),  # the change's own commit, of which a merge was built
    ],
)
def test_a_word_names_a_run(results: Path, ref: str, day: int) -> None:
    assert selector.find(ref, results).name.startswith(f"202611{day:02}-")


def test_beside_a_run_a_branch_is_its_newest_other_run_of_that_scenario(results: Path) -> None:
    first, second = (results / f"2026110{day}-120000-tried" for day in (1, 2))
    assert selector.find("main", results, beside=first) == second
    assert selector.find("main", results, beside=second) == first
    assert selector.find("b7b7", results, beside=first) == second
    with pytest.raises(InputError, match=r"no other run of scenario 'other' of branch topic/x"):
        selector.find("topic/x", results, beside=results / "20261103-120000-other")
    assert selector.find_each(["main", "latest"], results) == [
        second,
        results / "20261106-120000-tried",
    ]
    assert selector.find_each(["main", "20261102"], results) == [first, second]


@pytest.mark.parametrize(
    ("ref", "said", "remedy"),
    [
        ("a1b2", "more than one run", "20261106-120000-tried (topic/x, a1b2ffffa)"),
        ("2026110", "more than one run", "2026110~0 is the newest"),
        ("main~3", "goes back too far: 'main' names 3", "main~2 is the oldest"),
        ("mian", "names no run", "one of: main"),
        ("before-og", "names no run", "before-go"),
        ("latest~9", "goes back too far", "latest~5 is the oldest"),
        ("", "names no run", "one of"),
        ("b7b", "names no run", "one of"),  # too short for a commit
    ],
)
def test_what_names_no_run_or_several_is_refused_with_candidates(
    results: Path, ref: str, said: str, remedy: str
) -> None:
    with pytest.raises(InputError, match="run") as caught:
        selector.find(ref, results)
    assert said in caught.value.message
    assert remedy in (caught.value.remedy or "")


def test_a_branch_without_a_run_that_ended_names_none(tmp_path: Path) -> None:
    keep(tmp_path, 1, branch="main", builds=0)
    keep(tmp_path, 2, branch="main", end=False)
    with pytest.raises(InputError, match=r"no run of branch main .* with builds"):
        selector.find("main", tmp_path)


def test_a_name_that_two_runs_have_is_refused_but_its_newest_can_be_asked_for(
    tmp_path: Path,
) -> None:
    for day in (1, 2):
        keep(tmp_path, day, name="nightly", branch="nightly")
    with pytest.raises(InputError, match="'nightly' names more than one run"):
        selector.find("nightly", tmp_path)
    assert selector.find("nightly~0", tmp_path).name.startswith("20261102")
    assert selector.find("nightly~1", tmp_path).name.startswith("20261101")


def test_a_head_that_cannot_be_read_is_no_branch_and_no_error(tmp_path: Path) -> None:
    keep(tmp_path, 1, branch="main")
    for number, text in enumerate(("{", "[]", '{"origin": 3, "scenario": []}')):
        (tmp_path / f"torn{number}").mkdir()
        (tmp_path / f"torn{number}" / "run.json").write_text(text)
    assert selector.find("main", tmp_path).name.startswith("20261101")


def test_compare_and_gate_take_a_branch_as_baseline(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["compare", "latest", "--baseline", "main"],
        ["compare", "main", "latest"],
        ["gate", "--baseline", "main", "--candidate", "latest"],
    ):
        with pytest.raises(SystemExit):
            main.main([*words, "--results", str(results)])
        told = capsys.readouterr()
        assert "20261102-120000" in told.out, told.err
        assert "20261106-120000" in told.out


def test_one_run_under_two_names_is_not_compared_with_itself(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["compare", "20261106", "latest", "--results", str(results)])
    assert ended.value.code == 2
    assert "one run twice" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["latest", "a~1", "", "-x", "two words"])
def test_a_run_is_not_called_what_means_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["run", "x.yaml", f"--name={name}", "--results", str(tmp_path)])
    assert ended.value.code == 2
    assert "expected letters" in capsys.readouterr().err


def test_a_runs_origin_and_name_are_read_back(tmp_path: Path) -> None:
    run = keep(tmp_path, 1, name="a", branch="main", commit=A, dirty=True, change="7")
    head = runs.read(tmp_path / run).run
    assert head.name == "a"
    assert head.origin == Origin(branch="main", commit=A, dirty=True, change="7")
    assert head.origin.short == "a1b2c3d4a+"
