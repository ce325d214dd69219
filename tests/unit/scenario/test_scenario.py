"""The door of scenario files: every mistake at once, nothing else than InputError, no injection."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dockerfile import edits
from lab.model.errors import InputError
from lab.scenario import loader
from lab.scenario.field_types import LayoutName
from lab.scenario.loader import seconds
from lab.scenario.model import Generated, Own, Scenario

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
GOLDEN = ROOT / "tests" / "golden" / "scenario_errors.txt"

GOOD = """\
name: good
engines: [docker, podman]
bases: [bookworm, "debian:trixie-slim", {image: "example.org/a/b:1", name: own-image}]
toolchains: [base, 1.20, {go: 1.22.10, name: new}]
layouts: [default, tmpfs]
axes: {CGO_ENABLED: [0, 1], MODE: [on, off]}
workload: {packages: 3, lines: 900, depth: 2, seed: 7}
phases: [cold, rebuild, "edit:source", "edit:mine"]
edits:
  mine:
    - replace: {path: a/b.go, old: x, new: "y {token}"}
    - chmod: {path: a/b.go, mode: 0600}
rounds: 2
expect:
  - after: rebuild
    where: {engine: podman, base: debian-trixie-slim}
    hit_rate: {at_least: 0.8}
    median_wall: {at_most: 1m30.5s}
  - {after: "edit:source", steps: "COPY go.mod*", outcome: hit}
"""

BAD = """\
name: Bad Name
engins: [docker]
engines: [dokcer, podman, podman]
bases: [bookworm, {image: "x\\nRUN y"}, bookwrm, {suite: a, image: "b:c"}]
toolchains: [{go: 1.20}, {go: "1.x"}, {base: maybe}]
layouts: [overide]
axes: {"A B": [1], GOFLAGS: [], X: ["1\\n2"], BASE: [1], Y: [1, 1]}
phases: [rebuild, "edit:sorce", warm]
rounds: many
edits:
  mine:
    - replace: {path: ../x, old: a, new: b}
    - append: {path: /etc/passwd}
    - {touch: {path: a}, delete: {path: b}}
  source:
    - chmod: {path: a, mode: 999}
workload: {packages: 3, depth: 9, dockerfile: D}
expect:
  - after: edit:source
    where: {engin: docker, layout: tmpf}
    steps: x
    hit_rate: {at_least: 2}
  - {after: rebuild, median_wall: {at_most: soon}}
  - {after: rebuild, time_saved: {}}
  - after: rebuild
rounds: 3
seed: !!python/object:os.system x
description: &a [*a]
"""


def message(text: str, path: Path | None = Path("bad.yaml")) -> str:
    with pytest.raises(InputError) as caught:
        loader.parse(text, path)
    assert caught.value.remedy
    return caught.value.message


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    assert message(BAD) + "\n" == GOLDEN.read_text()


def test_values_keep_the_text_that_was_written() -> None:
    read = loader.parse(GOOD, Path("there/good.yaml"))
    assert read.axes == {
        "engine": ("docker", "podman"),
        "base": ("bookworm", "debian-trixie-slim", "own-image"),
        "toolchain": ("base", "1.20", "new"),
        "layout": ("default", "tmpfs"),
        "CGO_ENABLED": ("0", "1"),
        "MODE": ("on", "off"),
    }
    assert [(one.kind, one.value) for one in read.bases] == [
        ("suite", "bookworm"),
        ("image", "debian:trixie-slim"),
        ("image", "example.org/a/b:1"),
    ]
    assert [(one.kind, one.value) for one in read.toolchains] == [
        ("base", ""),
        ("go", "1.20"),
        ("go", "1.22.10"),
    ]
    assert read.workload == Generated(packages=3, lines=900, depth=2, seed=7)
    assert read.edits["mine"] == (
        edits.Replace(path="a/b.go", old="x", new="y {token}"),
        edits.Chmod(path="a/b.go", mode=0o600),
    )
    assert read.expect[0].median_wall is not None
    assert read.expect[0].median_wall.at_most == 90.5
    assert [one.line for one in read.expect] == [15, 19]


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_right_for_the_lab_and_for_editors(path: Path) -> None:
    assert loader.load(path).name == path.stem
    assert path.read_text().startswith("# yaml-language-server: $schema=./scenario.schema.json\n")
    jsonschema.validate(yaml.safe_load(path.read_text()), loader.FORMAT.json_schema())


def test_the_shipped_schema_is_made_from_the_types() -> None:
    stored = json.loads((ROOT / "scenarios" / "scenario.schema.json").read_text())
    assert stored == loader.FORMAT.json_schema()
    jsonschema.Draft202012Validator.check_schema(stored)


def test_the_types_name_every_layout_and_every_edit() -> None:
    from lab.dockerfile.edits import BUILTIN
    from lab.dockerfile.layouts import LAYOUTS
    from lab.scenario.cross_checks import BUILT_IN_EDITS

    assert set(get_args(LayoutName)) == set(LAYOUTS)
    assert set(BUILT_IN_EDITS) == set(BUILTIN)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (
            "{packages: 4, lines: 200}",
            # 4 packages of 60 lines each, and an import and a call of each in main
            r"bad.yaml:4:32: 4 packages in 200 lines; expected at least \d+ lines, or fewer.*",
        ),
        ("{packages: 50}", r"bad.yaml:4:22: 50 packages in 1200 lines; expected at least .*"),
        ("{packages: 2}", r"bad.yaml:4:22: depth 3; expected at most one for each of the 2 .*"),
        ("{depth: 9}", r"bad.yaml:4:19: depth 9; expected at most one for each of the 6 .*"),
        ("{packages: 4, lines: 2, seed: x}", r"bad.yaml:4:32: 4 packages .*\nbad.yaml:4:41: .*"),
    ],
)
def test_a_project_that_does_not_fit_is_told_with_its_place(work: str, said: str) -> None:
    text = f"name: n\nengines: [simulated]\nbases: [bookworm]\nworkload: {work}\nphases: [cold]\n"
    assert re.fullmatch(said, message(text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "bad.yaml:1:1: an empty file"),
        ("[]", "bad.yaml:1:1: an empty list as the whole file"),
        ("a: b\n c: d\n", "bad.yaml:2:3: "),
        ("a: 'b\n", "bad.yaml:2:1: "),
        ("a:\n\t- c", "bad.yaml:2:1: "),
        ("name: \x07", "bad.yaml:1:7: the character"),
        ("a: 1\n---\nb: 2\n", "bad.yaml:2:1: "),
        pytest.param("[" * 5000, "bad.yaml:1:1: ", marks=pytest.mark.slow),
        ('a: "\\UFFFFFFFF"', "bad.yaml:1:"),
    ],
)
def test_broken_yaml_is_told_with_its_place(text: str, place: str) -> None:
    assert message(text).startswith(place)


def test_aliases_cannot_multiply(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too many values" in message("\n".join(lines))


def test_an_unreadable_file_is_an_input_error(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: \xe9\n")
    for path in (tmp_path / "none.yaml", tmp_path, latin, "a\0b"):
        with pytest.raises(InputError) as caught:
            loader.load(path)
        assert caught.value.remedy


def test_own_project_is_checked_against_its_dockerfile(tmp_path: Path) -> None:
    text = (
        "name: own\nengines: [simulated]\nphases: [cold]\nworkload: {context: here}\n"
        "bases: [bookworm]\naxes: {MODE: [a, b]}\n"
    )
    path = tmp_path / "own.yaml"
    assert "which is no folder" in message(text, path)
    (tmp_path / "here").mkdir()
    assert "no Dockerfile in" in message(text, path)
    (tmp_path / "here" / "Dockerfile").write_text("FROM x\n")
    said = message(text, path)
    assert "without ARG MODE" in said
    assert "without ARG BASE" in said
    (tmp_path / "here" / "Dockerfile").write_text("ARG BASE\nFROM $BASE\nARG MODE=a\n")
    read = loader.parse(text, path)
    assert read.workload == Own(context=tmp_path / "here")
    assert read.axes["layout"] == ("own",)


def test_engines_can_be_replaced_and_their_expectations_go() -> None:
    read = loader.parse(GOOD).with_engines(["simulated"])
    assert read.engines == ("simulated",)
    assert [one.after for one in read.expect] == ["edit:source"]


@pytest.mark.parametrize(
    "claim",
    [
        "hit_rate: {at_least: 0.9, at_most: 0.1}",
        "median_wall: {at_least: 2m, at_most: 90s}",  # as text, 2m comes before 90s
        "time_saved: {at_least: 0, at_most: -0.5}",
    ],
)
def test_limits_that_nothing_can_keep_are_a_mistake(claim: str) -> None:
    old = "hit_rate: {at_least: 0.8}"
    assert old in GOOD
    told = message(GOOD.replace("    median_wall: {at_most: 1m30.5s}\n", "").replace(old, claim))
    assert told.startswith("bad.yaml:17:")
    assert "at_least above at_most" in told


def test_durations() -> None:
    assert [seconds(text) for text in ("500ms", "20s", "1m30s", "1h", "0.5s", None)] == [
        0.5,
        20,
        90,
        3600,
        0.5,
        None,
    ]


def checked(text: str) -> Scenario | None:
    try:
        return loader.parse(text, Path("fuzz.yaml"))
    except InputError as error:
        lines = error.message.split("\n")
    assert all(line.startswith("fuzz.yaml:") for line in lines)
    return None


@given(st.text(max_size=300))
def test_any_text_is_a_scenario_or_an_input_error(text: str) -> None:
    checked(text)


@pytest.mark.slow
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,?~<= \n\t\\x0", max_size=80))
@settings(max_examples=300)
def test_any_yaml_like_text_is_a_scenario_or_an_input_error(text: str) -> None:
    checked(text)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=300)
def test_a_good_scenario_with_any_value_put_in_its_place_raises_nothing_else(
    data: st.DataObject,
) -> None:
    whole = yaml.safe_load(GOOD)
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    value = st.recursive(
        leaf | st.just("cold"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    )
    node = whole
    while isinstance(node, dict | list) and node:
        key = data.draw(
            st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
        )
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(value)
            break
        node = node[key]
    checked(yaml.safe_dump(whole))


@pytest.mark.slow
@given(st.text(max_size=20))
@settings(max_examples=300)
def test_no_value_that_gets_through_can_end_a_line(value: str) -> None:
    shown = json.dumps(value)
    text = (
        f"name: {shown}\nengines: [docker]\nbases: [{{image: {shown}}}]\ntoolchains: [{shown}]\n"
        f"axes: {{A: [{shown}]}}\nworkload: {{packages: 2, lines: 900, depth: 1}}\nphases: [cold]\n"
    )
    for candidate in (
        text,
        text.replace(f"name: {shown}", "name: a")
        .replace(f"toolchains: [{shown}]", "toolchains: [base]")
        .replace(f"{{image: {shown}}}", "bookworm"),
    ):
        read = checked(candidate)
        if read is not None:
            values = [read.name, *(base.value for base in read.bases), *read.axes["A"]]
            assert all(one.isprintable() or "\n" not in one for one in values)
            assert not any(char < " " for one in values for char in one)


def test_a_key_with_a_typo_is_not_said_to_be_missing_as_well() -> None:
    with pytest.raises(InputError) as raised:
        loader.parse("name: n\nengins: [docker]\nbases: [bookworm]\nworkload: {packages: 1}\n")
    assert "did you mean 'engines'?" in raised.value.message
    assert "no engines" not in raised.value.message
