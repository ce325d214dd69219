"""One go build taken apart: the compiler's log, the go command's trace, and the page."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.golang.bench import compiler_log, stages
from lab.golang.bench.actions import Action
from lab.model.errors import InputError
from lab.report import stages as pages

LOG = """\
# lab.example/app
./main.go:3:6: can inline f with cost 3 as: func(int) *int { return &n }
./main.go:9:6: can inline (*T).g with cost 17 as: method(*T) func() { return }
./main.go:4:6: cannot inline main: function too complex: cost 84 exceeds budget 80
./main.go:7:6: cannot inline h: unhandled op DEFER
./main.go:4:28: inlining call to f
./main.go:3:8: n escapes to heap:
./main.go:3:8:   flow: ~r0 = &n:
./main.go:3:8:     from &n (address-of) at ./main.go:3:29
./main.go:3:8: parameter n leaks to ~r0 with derefs=0:
./main.go:3:8: n escapes to heap
./main.go:3:8: moved to heap: n
./main.go:5:8: leaking param: p
./main.go:5:9: q does not escape
"""


def test_the_log_by_kind_with_its_costs() -> None:
    found = compiler_log.by_kind(LOG.splitlines())
    assert {kind: (one.count, one.costs) for kind, one in found.items()} == {
        "can be inlined": (2, (3, 17)),
        "calls inlined": (1, ()),
        "does not escape": (1, ()),
        "escapes to the heap": (1, ()),  # the explanation and the finding are one
        "moved to the heap": (1, ()),
        "not inlined: function too complex": (1, (84,)),
        "not inlined: unhandled op DEFER": (1, ()),
        "parameters leak": (1, ()),
    }
    assert str(found["can be inlined"]) == "2, cost 10 at the median (3 to 17), 20 together"


@pytest.mark.slow
@given(st.lists(st.text(max_size=60)))
def test_any_log_is_read(lines: list[str]) -> None:
    assert sum(one.count for one in compiler_log.by_kind(lines).values()) <= len(lines)


def test_spans_of_the_go_command() -> None:
    events = [
        {"name": "load.PackagesAndErrors", "ph": "B", "ts": 1_000_000.0, "tid": 0},
        {"name": "load.loadPackageData fmt", "ph": "B", "ts": 1_100_000.0, "tid": 0},
        {"name": "load.PackagesAndErrors", "ph": "E", "ts": 1_250_000.0, "tid": 0},
        {"name": "exec.Builder.Do (link x)", "ph": "B", "ts": 2e6, "tid": 1},
        {"name": "exec.Builder.Do (link x)", "ph": "E", "ts": 5e6, "tid": 1},
        {"name": "a -> b", "ph": "s", "ts": 2e6, "tid": 1},
    ]
    assert stages.spans(json.dumps(events)) == {
        "go command: load.PackagesAndErrors": pytest.approx(0.25),
        "go command: exec.Builder.Do": pytest.approx(3.0),
    }


@given(st.text(max_size=60))
def test_what_is_no_trace_is_refused(text: str) -> None:
    try:
        stages.spans(text)
    except InputError as error:
        if "not a trace of Go" not in error.message:
            raise


def action(
    number: int, mode: str, start: float, end: float, *deps: int, ran: bool = True
) -> Action:
    return Action(
        number=number,
        mode=mode,
        package=f"x.example/p{number}" if number < 9 else "fmt",
        deps=deps,
        start_s=start,
        end_s=end,
        user_s=0.0,
        system_s=0.0,
        ran=ran,
    )


GRAPH = [
    action(1, "link", 3, 4, 2, 3),
    action(2, "build", 1, 3, 9),
    action(3, "build", 1, 1.5, 9, ran=False),
    action(9, "build", 0, 1),
]


def test_compile_and_link_times_by_package() -> None:
    assert stages.parts(GRAPH) == {
        "link x.example/p1": 1,
        "compile x.example/p2": 2,
        "compiling the project": 2,
        "compile fmt": 1,
        "compiling std": 1,
        "critical path": 4,
    }


@pytest.mark.slow
def test_the_page_draws_what_ran_and_what_did_not() -> None:
    rows = pages.rows(GRAPH)
    drawn = [(row["label"], row["outcome"], row["start"], row["end"]) for row in rows]
    assert drawn == [
        ("compile fmt", "mixed", 0, 1),
        ("compile x.example/p2", "mixed", 1, 3),
        ("compile x.example/p3", "hit", 1, 1.5),
        ("link x.example/p1", "mixed", 3, 4),
    ]
    page = pages.page("go build <b>", GRAPH)
    assert "go build &lt;b&gt;" in page
    assert "critical path 4 s" in page
