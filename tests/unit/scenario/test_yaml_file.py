"""The one reader of the files that users write, asked as each kind of file asks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.golang.claims import loader as claims
from lab.model.errors import InputError
from lab.results.gate import policy_loader
from lab.scenario import loader
from lab.scenario.yaml_file import Format
from lab.validate import policy_file

FORMATS: dict[str, Format[Any]] = {
    "scenario": loader.FORMAT,
    "gate policy": policy_loader.FORMAT,
    "claims": claims.FORMAT,
    "policy of images": policy_file.FORMAT,
}


def mistakes(kind: Format[Any], text: str) -> list[str]:
    with pytest.raises(InputError) as error:
        kind.read(text, "a.yaml")
    assert error.value.remedy is not None
    assert error.value.remedy.startswith("correct these lines; docs/")
    return error.value.message.splitlines()


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_file_of_another_shape_is_named_once(kind: Format[Any]) -> None:
    fields = f"expected a {kind.what}'s fields"
    assert mistakes(kind, "") == [f"a.yaml:1:1: an empty file; {fields}"]
    assert mistakes(kind, "- a") == [f"a.yaml:1:1: a list as the whole file; {fields}"]


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_key_with_a_typo_is_named_once_and_with_what_was_meant(kind: Format[Any]) -> None:
    field = next(iter(kind.schema.model_fields))
    found = [one for one in mistakes(kind, f"{field}x: a\n") if field in one.split(";")[0]]
    (message,) = found
    assert message.startswith(f"a.yaml:1:1: the unknown key '{field}x'; expected one of ")
    assert message.endswith(f"did you mean {field!r}?")


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_what_yaml_cannot_read_and_what_the_schema_refuses_show_at_once(kind: Format[Any]) -> None:
    field = next(iter(kind.schema.model_fields))
    found = mistakes(kind, f"{field}: !!binary a\nnone-such: b\n")
    (of_value,) = [one for one in found if one.startswith(f"a.yaml:1:{len(field) + 3}:")]
    assert "the tag '!!binary'" in of_value
    assert any(one.startswith("a.yaml:2:1: the unknown key 'none-such'") for one in found)


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_file_that_cannot_be_read_names_its_kind(kind: Format[Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"cannot read the {kind.what} .*nowhere.yaml") as error:
        kind.load(tmp_path / "nowhere.yaml")
    assert error.value.remedy == kind.example


def test_mistakes_of_one_field_and_between_fields_show_at_once() -> None:
    text = "name: n\nrules:\n- {metric: wall, relative: 8%, limit: 3s, certainty: 2}\n"
    assert mistakes(policy_loader.FORMAT, text) == [
        "a.yaml:3:3: relative and limit; expected exactly one of relative, absolute, limit",
        "a.yaml:3:54: '2' for certainty; expected less than 1.0",
    ]
