"""A validation on a terminal of 80 columns: nothing folded away, what is alike said once."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from lab.report import matrix, probes
from lab.validate.matrix import Cell, Column, Row, Tone, Validation, Verdict

KERNELS = ("5.10", "6.1", "6.1,secretmem.enable=1", "6.12", "7.2")
COLUMNS = tuple(Column(kernel, engine) for kernel in KERNELS for engine in ("bare", "docker"))


def validation(rows: dict[str, dict[Column, Cell]]) -> Validation:
    verdicts = [Verdict(column=one, word="runs") for one in COLUMNS]
    verdicts[0] = Verdict(column=COLUMNS[0], word="does not run", why=("kernel too old",))
    found = tuple(Row(name=name, group="calls", cells=cells) for name, cells in rows.items())
    return Validation(image="i", origin="o", verdicts=tuple(verdicts), rows=found)


def shown(one: Validation, *, reasons: bool = False, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False, emoji=False)
    probes.verdicts(console, one, reasons=reasons)
    probes.probes(console, one, reasons=reasons)
    return out.getvalue()


def same(word: str, tone: Tone) -> dict[Column, Cell]:
    return {column: Cell(word=word, tone=tone, why=f"why {word}") for column in COLUMNS}


def test_five_kernels_stand_side_by_side_in_eighty_columns() -> None:
    new = same("works", "good") | {COLUMNS[0]: Cell(word="EOPNOTSUPP", why="too old")}
    blocked = same("works", "good") | {
        column: Cell(word="ENOSYS", tone="limit", why="blocked by seccomp")
        for column in COLUMNS
        if column.engine == "docker"
    }
    text = shown(validation({"set_mempolicy_home_node": new, "clone3": blocked}))
    assert max(map(len, text.splitlines())) <= 80
    assert "5.10: does not run" in text
    assert "5.10 docker; 6.1, 6.1,secretmem.enable=1, 6.12, 7.2 alone and docker: runs" in text
    line, _ = (one for one in text.splitlines() if one.startswith("set_mempolicy_home_node"))
    assert line.split()[1:] == ["EOPNOTSUPP", "works", "works", "works", "works"]
    assert [one.split()[1:] for one in text.splitlines() if one.startswith("clone3")] == [
        ["works"] * 5,
        ["ENOSYS"] * 5,
    ]


@pytest.mark.parametrize(
    ("kernels", "heads"),
    [
        (
            ("host", "6.1", "suite:trixie", "suite:sid"),
            ["host", "6.1", "suite:trixie", "suite:sid"],
        ),
        (
            ("6.1", "6.6", "suite:bookworm", "suite:trixie", "suite:forky"),
            ["suite:", "suite:", "suite:", "6.1", "6.6", "bookworm", "trixie", "forky"],
        ),
    ],
)
def test_no_name_of_a_kernel_is_cut_inside_a_word(
    kernels: tuple[str, ...], heads: list[str]
) -> None:
    columns = tuple(Column(kernel, "bare") for kernel in kernels)
    cells = {column: Cell(word="works", tone="good") for column in columns}
    cells[columns[0]] = Cell(word="EOPNOTSUPP", tone="limit")
    row = Row(name="map_shadow_stack", group="calls", cells=cells)
    verdicts = tuple(Verdict(column=one, word="runs") for one in columns)
    text = shown(Validation(image="i", origin="o", verdicts=verdicts, rows=(row,)))
    head = text.partition("calls")[0].rpartition("\n\n")[2].replace("kernel alone", "")
    assert head.split() == heads
    assert max(map(len, text.splitlines())) <= 80


def test_reasons_are_told_on_demand_and_once() -> None:
    rows = {"bpf": same("EPERM", "limit")}
    assert "why EPERM" not in shown(validation(rows))
    text = shown(validation(rows), reasons=True)
    assert text.count("why EPERM") == 1
    assert "EPERM on all 10 pairs of kernel and engine" in text


@pytest.mark.slow
@settings(deadline=None)  # a busy machine is slow
@given(st.dictionaries(st.text(min_size=1), st.sampled_from(["good", "limit", "bad", "none"])))
def test_no_row_is_lost(tones: dict[str, Tone]) -> None:
    rows = {f"row{number}": same(tone, tone) for number, tone in enumerate(tones.values())}
    text = shown(validation(rows))
    assert all(name in text for name in rows)


def test_a_page_answers_first() -> None:
    one = validation({"bpf": same("EPERM", "limit")})
    text = matrix.html([one], "Made now.")
    assert "Does not run on 5.10; runs on 9 of 10." in text
    assert 0 < text.index("Made now.") < text.index("Does not run on") < text.index("<table>")
    few = replace(one, verdicts=one.verdicts[1:3])
    assert "Runs on 5.10 docker, 6.1." in matrix.html([few])
