"""What is said of builds that failed: what the step printed, what its base lacks, the next step."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.failed_builds import error
from lab.model.events import Outcome
from lab.model.record import Build
from lab.report import compose, terminal_brief
from lab.results import comparison
from lab.results.runs import StoredRun
from tests.factories import RUN, build, step


def failed(base: str, reason: str, printed: str = "", instruction: str = "RUN go build") -> Build:
    return build(
        cell={"engine": "docker", "base": base},
        status="failed",
        reason=reason,
        log_tail=printed,
        replay="docker build .",
        steps=(step(1, instruction, outcome=Outcome.FAILED),),
    )


def said(*builds: Build, told: bool = True) -> tuple[str, str]:
    one = error(
        builds, StoredRun(run=RUN, builds=builds, folder=Path("results/r")), told=told, given={}
    )
    return one.message, one.remedy or ""


def test_what_the_step_printed_last_is_shown_and_diagnose_is_named() -> None:
    lines = "".join(f"line {number}\n" for number in range(9))
    message, remedy = said(failed("own", "exit status 3", f"{lines}\x1b[31moops\n"))
    assert message.splitlines()[1:] == [
        "  it printed last:",
        *(f"    line {number}" for number in range(5, 9)),
        "    oops",
    ]
    assert "exit status 3" not in message, "the report above it says so"
    assert remedy.startswith("`lab diagnose results/r` ")
    assert remedy.endswith(": in results/r: docker build .")
    assert said(failed("own", "exit status 3"), told=False)[0].endswith(": exit status 3")


@pytest.mark.parametrize(
    ("reason", "printed"),
    [
        ("executor failed running [/bin/sh -c go mod download]: exit code: 127", ""),
        ("exit status 127", "/bin/sh: 1: go: not found\n"),
        ("returned a non-zero code: 127", "bash: line 1: go: command not found\n"),
    ],
)
def test_a_suite_without_go_is_told_with_the_name_that_has_it(reason: str, printed: str) -> None:
    both = [failed(base, reason, printed) for base in ("bookworm", "trixie", "bookworm")]
    assert said(*both)[1].startswith(
        "bookworm and trixie have no go: name bookworm+go1.22.10 trixie+go1.22.10; `lab diagnose"
    )
    assert said(failed("own", reason, printed))[1].startswith("its base image has no go; ")
    other = failed("app.tar", "exit status 127", "sh: make: not found", "RUN make")
    assert said(other)[1].startswith("app.tar has no make: name a base that has it; ")
    assert said(failed("trixie", "exit status 1", "x: not found"))[1].startswith("`lab diagnose")


def test_the_image_that_is_missing_is_asked_for_and_what_was_given_stays(tmp_path: Path) -> None:
    """The lab's own stand-in is nothing to stand for."""
    (tmp_path / "Dockerfile").write_text(
        "FROM localhost/lab/base:node.tar-9786 AS a\nFROM debian:12\nCOPY --from=a / /\n"
    )
    one = replace(failed("own", "debian:12 not found"), dockerfile="Dockerfile", steps=())
    given = {"node:20": "../node.tar"}
    told = error([one], StoredRun(run=RUN, builds=(one,), folder=tmp_path), told=True, given=given)
    assert (told.remedy or "").startswith(
        "--base-image node:20=../node.tar --base-image debian:12=IMAGE builds on"
    )


def test_failed_builds_are_told_once_and_compare_no_cache() -> None:
    builds = [failed(base, "no such thing") for base in ("bookworm", "trixie")]
    table = comparison.table(builds, axis="base", columns=("bookworm", "trixie"))
    out = io.StringIO()
    terminal_brief.show(compose.from_table(table, builds, [RUN]), out, more="")
    shown = out.getvalue()
    assert "the same outcome" not in shown
    assert [shown.count(f"base={base}, cold") for base in ("bookworm", "trixie")] == [1, 1]
