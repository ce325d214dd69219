"""Ratios in words: what a reader who knows only the words would reckon back to."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.record import Build
from lab.report import compose, ratio_words, terminal_brief
from lab.results import comparison
from lab.results.runs import StoredRun
from lab.results.stats import Comparison, Verdict, compare_paired
from tests.factories import build
from tests.report_runs import EVIL, builds, run, stored

SLOWER = [(2.0 + at / 100, 1.0) for at in range(8)]


def compared(pairs: list[tuple[float, float]]) -> Comparison:
    found = compare_paired(pairs, margin=0.05, confidence=0.95, seed=1)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (5.6, "5.6 times slower"),
        (1 / 5.6, "5.6 times faster"),
        (69.88, "69.9 times slower"),
        (1234.5, "1,234 times slower"),
        (1.352, "takes 35 % longer"),
        (0.82, "takes 18 % less time"),
        (1.034, "takes 3.4 % longer"),
        (1.0, "takes as long"),
        (0.9999, "takes as long"),
        (2.0, "2.0 times slower"),
        (0.5, "2.0 times faster"),
    ],
)
def test_a_ratio_is_said_as_a_person_would(ratio: float, said: str) -> None:
    assert ratio_words.change(ratio) == said


@given(st.floats(1e-3, 1e3))
def test_the_words_say_the_ratio(ratio: float) -> None:
    said = ratio_words.change(ratio)
    number = float(re.sub(r"[^0-9.]", "", said) or 0)
    reckoned = {
        "slower": number,
        "faster": 1 / (number or 1),
        "longer": 1 + number / 100,
        "time": 1 - number / 100,
        "long": 1.0,
    }[said.split()[-1]]
    assert reckoned == pytest.approx(ratio, rel=0.03)


@given(st.floats(0.01, 100), st.floats(0.5, 1), st.floats(1, 2))
def test_an_interval_reads_in_the_terms_of_its_ratio(
    ratio: float, less: float, more: float
) -> None:
    said = ratio_words.span(ratio, (ratio * less, ratio * more))
    low, _, high = said.rstrip(" %").replace(",", "").partition(" to ")
    number = float(re.sub(r"[^0-9.]", "", ratio_words.change(ratio)) or 0)
    if low.startswith("-"):  # no change is inside: per cent of change, each with its sign
        assert high.startswith("+")
        number = (ratio - 1) * 100
    rounded = 0.5 if "%" in said or number > 99 else 0.05
    assert float(low) - rounded <= number <= float(high or low) + rounded


@pytest.mark.parametrize(
    ("ratio", "ends", "said"),
    [
        (0.996, (0.939, 1.074), "-6.1 to +7.4 %"),
        (1.19, (0.88, 1.6), "-12 to +60 %"),
        (1.24, (1.2351, 1.244), "23.5 to 24.4 %"),
        (1.24, (1.2401, 1.2402), "24.01 to 24.02 %"),
        (1.24, (1.24, 1.24), "24.000 %"),
        (0.76, (0.7599, 0.7602), "23.98 to 24.01 %"),
        (5.5, (5.51, 5.52), "5.51 to 5.52"),
        (123.0, (120.0, 1300.0), "120 to 1,300"),
        (1.0, (1.0, 1.02), "0.0 to 2.0 %"),
    ],
)
def test_the_ends_of_an_interval_are_told_apart(
    ratio: float, ends: tuple[float, float], said: str
) -> None:
    assert ratio_words.span(ratio, ends) == said


def test_an_undecided_answer_says_how_bad_it_can_be() -> None:
    walls = (0.91, 1.12, 0.97, 1.09, 0.85, 1.21, 1.0)
    found = compared([(wall, 1.0) for wall in walls])
    assert found.verdict is Verdict.UNDECIDED
    assert found.interval is not None
    said = ratio_words.sentence(found, "trixie", "bookworm", "in cold builds")
    worst = float(re.findall(r"; at most ([\d.]+) % longer \(95 %: -[\d.]+ to \+", said)[0])
    assert worst == pytest.approx((found.interval[1] - 1) * 100, abs=0.5)
    assert 9 < worst <= 21, "no round took longer than that"
    sure = ratio_words.sentence(compared(SLOWER), "trixie", "bookworm", "in cold builds")
    assert "at most" not in sure


def test_sentences() -> None:
    names = ("podman", "docker", ratio_words.phase("cold"))
    told = ratio_words.sentence(compared(SLOWER), *names)
    assert told == "podman is 2.0 times slower than docker in cold builds (95 %: 2.0 to 2.1)"
    few = ratio_words.sentence(compared([(2.0, 1.0), (3.0, 1.0)]), *names)
    assert few == (
        "Undecided: podman was 2.4 times slower than docker in cold builds so far, after 2 rounds; "
        "about 4 more would tell"
    )
    alike = ratio_words.sentence(compared([(2.0 + at / 100, 2.0) for at in range(8)]), *names)
    assert alike.startswith("podman is as fast as docker in cold builds, within 5 % (95 %: ")
    quick = ratio_words.sentence(compared([(0.8, 1.0 + at / 100) for at in range(8)]), *names)
    assert quick.startswith("podman takes 23 % less time than docker in cold builds (95 %: ")
    assert ratio_words.phase("edit:source") == "after the source edit"


def test_cells() -> None:
    assert ratio_words.cell(None) == "\u2013"
    assert ratio_words.cell(compared(SLOWER)) == "2.0 times slower (95 %: 2.0 to 2.1, n=8)"
    few = ratio_words.cell(compared([(2.0, 1.0), (3.0, 1.0)]))
    assert few == "undecided (so far 2.4 times slower, no interval, n=2)"


def brief(found: StoredRun, width: int = 80) -> list[str]:
    out = io.StringIO()
    terminal_brief.show(compose.from_run(found).model, out, more="--all shows all")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("groups", [1, 2, 7])
@pytest.mark.parametrize("text", ["RUN go build ./...", EVIL])
def test_the_answer_is_at_most_forty_lines_and_says_what_it_leaves_out(
    groups: int, text: str
) -> None:
    one = stored(text, text)
    many = [
        replace(build, id=f"{build.id}-{number}", cell={**build.cell, "base": f"base{number}"})
        for number in range(groups)
        for build in one.builds
    ]
    lines = brief(replace(one, builds=tuple(many)))
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    shown = sum(line.startswith("cold") for line in lines)
    assert 1 <= shown <= groups
    said = " ".join(" ".join(lines).split())
    assert (f"left out: {groups - shown} of {groups} groups of cells" in said) == (shown < groups)
    assert "--all shows all" in said
    assert "podman took" in said


def test_groups_of_unlike_counts_each_say_their_own() -> None:
    """Rounds end for each cell by itself: the demo's had four and five."""
    rounds = {"short": 2, "long": 3}
    many = tuple(
        replace(build(at, wall), id=f"{base}-{engine}-{at}", cell={"base": base, "engine": engine})
        for base, last in rounds.items()
        for engine, wall in (("docker", 2.0), ("podman", 4.0))
        for at in range(1, last + 1)
    )
    lines = brief(replace(stored("RUN a", "RUN a"), builds=many))
    said = [line.partition(" in every")[0] for line in lines if " in every number" in line]
    assert said == [f"n = {last}" for last in rounds.values()]
    alike = brief(replace(stored("RUN a", "RUN a"), builds=tuple(b for b in many if b.round < 3)))
    assert sum(" in every number" in line for line in alike) == 1


def test_runs_that_share_no_cell_say_so_in_one_line() -> None:
    old = [replace(b, cell={**b.cell, "base": "old"}) for b in builds() if b.status == "ok"]
    new = [replace(b, cell={**b.cell, "base": "new"}) for b in builds() if b.status == "ok"]
    merged = comparison.merge({"a": old, "b": new})
    table = comparison.table(merged, axis=comparison.RUN_AXIS, columns=("a", "b"))
    model = compose.from_table(table, merged, [run()])
    said = "a and b share no cell: nothing to compare (base is old in a, new in b)."
    assert model.headline.verdict == said
    out = io.StringIO()
    terminal_brief.show(model, out, more="--all shows all")
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == ["layer-cache: complete", said, "each by itself: --all shows all"]


def test_decided_seconds_come_first() -> None:
    """Of what is decided, what costs the most seconds is the answer: a cold build's ten seconds
    more, not a rebuild's quarter of one, though that is the larger ratio."""
    many = [
        replace(one, id=f"{one.id}-{number}", round=number, fit="fit")
        for number in range(1, 11)
        for one in builds()[:4]
    ]
    varied = [replace(b, wall_s=(b.wall_s or 0) * (1 + b.round / 1000)) for b in many]
    model = compose.from_run(replace(stored(), builds=tuple(varied))).model
    assert model.headline.verdict.startswith(
        "podman takes 20 % longer than docker in cold builds (95 %: 20.000 %): 12.2 s against"
    )
    assert model.headline.lines[0].startswith("in rebuilds: takes 50 % longer (95 %: ")
    assert all("\u00d7" not in line for line in model.headline.lines)
    assert Verdict.SLOWER in {
        one.versus.verdict
        for g in compose.from_run(replace(stored(), builds=tuple(varied))).table.groups
        for rows in g.phases
        for one in rows.measures
        if one.versus
    }


def test_one_pair_that_was_left_does_not_lead_though_it_costs_the_most_seconds() -> None:
    """A cold build of which one pair was undisturbed tells nothing yet; the rebuilds' interval
    does, though it decides nothing either."""
    many = [
        replace(one, id=f"{one.id}-{number}", round=number, fit="fit")
        for number in range(1, 8)
        for one in builds()[:4]
    ]
    swing = {True: 1.0, False: 0.5}
    varied = [
        replace(
            one,
            wall_s=(one.wall_s or 0) * (swing[one.round % 2 == 0] if "podman" in one.id else 1),
            fit="unfit: others used the CPUs (89 %)" if _later_cold(one) else "fit",
        )
        for one in many
    ]
    said = compose.from_run(replace(stored(), builds=tuple(varied))).model.headline
    assert said.answer.startswith("Undecided: podman ")
    assert "in rebuilds so far; at most 50 % longer (95 %: -25 to +50 %)" in said.answer
    assert any(line.startswith("in cold builds: undecided") for line in said.lines)


def _later_cold(build: Build) -> bool:
    return build.phase == "cold" and build.round > 1


def test_builds_that_were_all_disturbed_have_no_verdict_and_the_reason_is_the_machine_s() -> None:
    found = stored()
    disturbed = [replace(one, fit="unfit: others used the CPUs (89 %)") for one in found.builds]
    said = compose.from_run(replace(found, builds=tuple(disturbed))).model.headline
    measured = sum(one.status == "ok" for one in disturbed)
    assert said.answer.startswith(f"No verdict: all {measured} builds were disturbed")
    assert "others used the CPUs" in said.fit


def test_of_builds_that_all_failed_nothing_is_said_but_that() -> None:
    many = tuple(replace(one, status="failed", reason="no base", wall_s=None) for one in builds())
    said = compose.from_run(replace(stored(), builds=many)).model.headline
    assert said.answer == "Nothing was measured."
    assert "Cache" not in said.verdict


@pytest.mark.parametrize(("swing", "blamed"), [(0.0, False), (0.4, True)])
def test_the_machine_is_the_reason_only_where_rounds_lie_apart(swing: float, blamed: bool) -> None:
    """Six equal rounds are too few for two comparisons: that is not the machine's doing."""
    many = tuple(
        replace(
            one,
            id=f"{one.id}-{number}",
            round=number,
            fit="fit",
            wall_s=(one.wall_s or 0) * (1 + swing * (number % 2) * ("podman" in one.id)),
        )
        for number in range(1, 7)
        for one in builds()[:4]
    )
    made = compose.from_run(replace(stored(), builds=many)).model
    assert set(made.headline.verdicts) == {Verdict.UNDECIDED}
    said = " ".join(made.footnotes)
    assert ("undecided because of this machine" in said) == blamed
