"""What a scenario expects: broken is named with its place, and what checks nothing is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.events import Outcome
from lab.model.record import Build, BuildStatus, Cache
from lab.results.expectations import check, matches
from lab.scenario.model import Bound, Expectation
from tests import factories


def build(
    phase: str,
    *,
    number: int = 1,
    wall: float | None = 1.0,
    engine: str = "docker",
    status: BuildStatus = "ok",
    hits: int = 1,
    outcome: Outcome | None = Outcome.HIT,
) -> Build:
    return factories.build(
        number,
        wall,
        phase=phase,
        cell={"engine": engine, "base": "bookworm", "layout": "default"},
        status=status,
        reason=None if status == "ok" else "exit code 2",
        cache=Cache(hits=hits, misses=1, skipped=0),
        steps=(
            factories.step(0, "FROM x"),
            factories.step(1, "COPY go.mod ./", outcome=outcome),
        ),
    )


def test_what_holds_is_silent() -> None:
    expectations = (
        Expectation(
            after="rebuild",
            where={"engine": "docker"},
            steps="COPY go.mod*",
            outcome="hit",
            hit_rate=Bound(at_least=0.5),
            median_wall=Bound(at_most=1),
            time_saved=Bound(at_least=0.9),
        ),
    )
    builds = [build("cold", wall=10), build("rebuild"), build("rebuild", engine="podman", hits=0)]
    assert check(expectations, builds) == ()


def test_a_broken_step_is_named() -> None:
    expectation = Expectation(after="rebuild", steps="COPY *", outcome="hit", line=7)
    assert check([expectation], [build("rebuild", number=2, outcome=Outcome.MISS)]) == (
        "the expectation on line 7 (after rebuild): docker bookworm default, rebuild, round 2: "
        "step 1 (app) 'COPY go.mod ./' was miss, expected hit",
    )


@pytest.mark.parametrize(
    ("expectation", "builds", "words"),
    [
        (Expectation(after="rebuild", hit_rate=Bound(at_least=0)), [], "there was none"),
        (
            Expectation(after="rebuild", hit_rate=Bound(at_least=0)),
            [build("rebuild", status="skipped")],
            "all were skipped (exit code 2)",
        ),
        (
            Expectation(after="rebuild", steps="RUN *", outcome="hit"),
            [build("rebuild")],
            "no step with an outcome matches 'RUN *'",
        ),
        (
            Expectation(after="rebuild", steps="FROM *", outcome="hit"),
            [build("rebuild")],
            "no step with an outcome matches",
        ),
        (
            Expectation(after="rebuild", hit_rate=Bound(at_least=0)),
            [build("rebuild", status="failed")],
            "the build failed: exit code 2",
        ),
        (
            Expectation(after="rebuild", hit_rate=Bound(at_least=0.502)),
            [build("rebuild")],
            "hit rate 50 %, expected at least 50.2 %",
        ),
        (
            Expectation(after="rebuild", median_wall=Bound(at_most=2)),
            [build("rebuild", wall=wall) for wall in (1, 3, 5)],
            "3 rounds: median wall 3 s, expected at most 2 s",
        ),
        (
            Expectation(after="rebuild", time_saved=Bound(at_least=0.5)),
            [build("cold", wall=1), build("rebuild", wall=2)],
            "median time saved -100 %, expected at least 50 %",
        ),
        (
            Expectation(after="rebuild", time_saved=Bound(at_least=0.5)),
            [build("rebuild", wall=2)],
            "the median time saved is unknown",
        ),
    ],
)
def test_what_breaks_says_what_was_found(
    expectation: Expectation, builds: list[Build], words: str
) -> None:
    (found,) = check([expectation], builds)
    assert words in found


def test_a_failure_can_be_expected() -> None:
    failed = build("rebuild", status="failed", outcome=Outcome.FAILED)
    assert check([Expectation(after="rebuild", steps="COPY*", outcome="failed")], [failed]) == ()


def test_brackets_in_instructions_mean_themselves() -> None:
    assert matches('COPY ["a*', 'COPY  ["a", "b"]')
    assert not matches("COPY [ab]", "COPY a")


@given(st.text(max_size=30))
def test_an_instruction_matches_itself_and_the_star(text: str) -> None:
    assert matches("*", text)
    assert "*" in text or "?" in text or matches(text, text)
