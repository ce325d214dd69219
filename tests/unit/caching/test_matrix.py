"""The lab's rules against what the engines were seen to do, kind by kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cache_matrix import ENGINES, ROOT
from benchmarks.cache_matrix_page import page
from benchmarks.matrix_project import REFS, Places, foretold, outcome_of, project, word
from lab.caching.matrix import Kind, kinds, measured
from lab.caching.matrix.differences import column, concerns, differences
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules
from lab.model import engine_name
from lab.model.errors import InputError

NOT_SEEN = {"refused", "unknown"}
IMAGES = {ref: name.replace("SAME", "BASE") for name, ref in REFS.items()}


def predicted(kind: Kind, engine: str) -> set[str]:
    """What the rules let happen to the step that is asked about."""
    spec = engine_name.parse(engine)
    rules = archive_rules(engine, measured().versions[engine], spec.store or "overlay2")
    size = "tmpfs-size" if spec.program == "podman" else "size"
    before, after = (
        replace(built, target=built.target or f"s{word(kind, 'x')}")
        for built in (
            project([kind], "x", edited=edited, places=Places(size=size), collect=False)
            for edited in (False, True)
        )
    )
    outcome, assumed = outcome_of(kind, "x", foretold(before, after, rules, IMAGES))
    return {"hit", "miss"} if assumed else {str(outcome)}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_the_rules_foretell_the_matrix(engine: str) -> None:
    cells = measured().cells[engine]
    wrong = {
        kind.title: (predicted(kind, engine), cells[kind.title])
        for kind in kinds()
        if not kind.outside
        and cells[kind.title] not in NOT_SEEN
        and cells[kind.title] not in predicted(kind, engine) | ({"hit"} if kind.cautious else set())
    }
    assert not wrong, f"kind: (foretold, seen): {wrong}"


@pytest.mark.slow
def test_what_nobody_can_foretell_is_a_small_part() -> None:
    cells = [(kind, engine) for kind in kinds() for engine in ENGINES]
    known = measured().cells
    told = [one for one in cells if known[one[1]][one[0].title] not in NOT_SEEN]
    assumed = [one for one in told if len(predicted(*one)) > 1]
    outside = [one for one in told if one[0].outside]
    assert len(assumed) + len(outside) < len(told) / 8


@pytest.mark.slow
def test_each_kind_has_a_title_of_its_own_and_a_cell_on_each_engine() -> None:
    titles = [kind.title for kind in kinds()]
    assert len(set(titles)) == len(titles) >= 40
    assert set(measured().cells) == set(ENGINES)
    for of in measured().cells.values():
        assert set(of) == set(titles)
        assert sum(cell != "unknown" for cell in of.values()) >= 40


def test_the_page_is_made_of_the_matrix() -> None:
    there = (ROOT / "docs/cache-matrix.md").read_text(encoding="utf-8")
    assert page(measured(), kinds()) == there, "make it anew: make matrix"


def test_differences_are_told_by_instruction() -> None:
    text = "FROM b\nCOPY f /f\nRUN --mount=type=cache,target=/c,id=a true\nCOPY --from=x /f /g\n"
    found = list(
        differences(parser.parse(text), ["docker@20.10", "docker@28"], measured(), kinds())
    )
    told = {(one.instruction.line, one.kind.name): dict(one.cells) for one in found}
    assert told[3, "cache, id to another"] == {"docker@20.10": "miss", "docker@28": "hit"}
    assert not any(line == 2 for line, _ in told)
    assert not any("owner of a file" in name for _, name in told)  # clients send all as root's


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker", "docker@28"),
        ("docker@20.10.24", "docker@20.10"),
        ("docker@28/containerd", "docker@28/containerd"),
        ("docker-classic@28", "docker-classic@28"),
        ("podman", "podman@5.8"),
        ("podman@5", "podman@5.8"),
    ],
)
def test_a_name_means_a_column(name: str, expected: str) -> None:
    assert column(name, measured()) == expected


@pytest.mark.parametrize("name", ["docker@27", "podman@/a/root", "simulated"])
def test_an_engine_that_was_not_measured_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="was not measured") as caught:
        column(name, measured())
    assert "docker@28" in str(caught.value.remedy)


def test_a_kind_concerns_the_instructions_that_it_is_of() -> None:
    named = {kind.title: kind for kind in kinds()}
    parsed = parser.parse("FROM b\nCOPY <<-E /x\n\ta\nE\nADD http://h/f /f\nRUN true\n")
    _, heredoc, remote, _ = parsed.instructions
    assert concerns(named["COPY and ADD: tabs after <<-"], heredoc)
    assert not concerns(named["files: mode of a file"], heredoc)
    assert not concerns(named["files: mode of a file"], remote)
    assert concerns(named["COPY and ADD: ADD of a URL, other content"], remote)
