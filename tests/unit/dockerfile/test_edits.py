"""Edits: each changes what its name says and nothing else, and says so where it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.dockerfile import edits, generated_project, layouts
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File, Link
from lab.dockerfile.parser import parse
from lab.model.errors import InputError

VALUES = layouts.Values(base="localhost/lab/base:x", toolchain="localhost/lab/base:x-go")


@pytest.fixture(scope="module")
def generated() -> edits.Inputs:
    recipe = layouts.render("override", VALUES)
    return edits.Inputs(
        dockerfile=recipe.dockerfile,
        dockerfile_path="Dockerfile",
        context=generated_project.generate(3, 800, 2, 1),
        goroot=recipe.goroot,
    )


@pytest.fixture
def own() -> edits.Inputs:
    files = {"Dockerfile": "FROM a\nRUN one\nCOPY x y\n", "x": "one two two\n", "d/e": "f"}
    context = Context.of_files(files).with_entry("ln", Link("x"))
    return edits.Inputs(
        dockerfile=files["Dockerfile"], dockerfile_path="Dockerfile", context=context
    )


def changed(before: edits.Inputs, after: edits.Inputs) -> set[str]:
    old, new = before.full_context().entries, after.full_context().entries
    found = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    found |= {"build_args"} if before.build_args != after.build_args else set()
    return found | ({"base"} if before.base_moved != after.base_moved else set())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("source", generated_project.SOURCE_FILE),
        ("comment", generated_project.SOURCE_FILE),
        ("new-file", generated_project.NEW_FILE),
        ("dependency", generated_project.DEPENDENCY_FILE),
        ("instruction", "Dockerfile"),
        ("env", "Dockerfile"),
        ("arg", "build_args"),
        ("goroot", "Dockerfile"),
        ("mtime", generated_project.SOURCE_FILE),
        ("mode", generated_project.SOURCE_FILE),
        ("base", "base"),
    ],
)
def test_a_built_in_edit_changes_one_thing(
    generated: edits.Inputs, name: str, expected: str
) -> None:
    one = edits.apply(edits.Builtin(name=name), generated, "t1")
    assert changed(generated, one) == {expected}
    assert edits.apply(edits.Builtin(name=name), generated, "t1") == one
    if name != "base":
        assert edits.apply(edits.Builtin(name=name), generated, "t2") != one


def test_every_built_in_edit_is_tried() -> None:
    marks = test_a_built_in_edit_changes_one_thing.pytestmark  # type: ignore[attr-defined,unused-ignore]
    assert [name for name, _ in marks[0].args[1]] == list(edits.BUILTIN)


def test_mtime_and_mode_keep_the_content(generated: edits.Inputs) -> None:
    old = generated.context.file(generated_project.SOURCE_FILE)
    touched = edits.apply(edits.Builtin(name="mtime"), generated, "t")
    new = touched.context.file(generated_project.SOURCE_FILE)
    assert new == replace(old, mtime=new.mtime)
    assert new.mtime != old.mtime
    moded = edits.apply(edits.Builtin(name="mode"), generated, "t")
    new = moded.context.file(generated_project.SOURCE_FILE)
    assert new == replace(old, mode=new.mode)
    assert new.mode & 0o600 == 0o600


@pytest.mark.parametrize("layout", list(layouts.LAYOUTS))
@pytest.mark.parametrize("name", ["instruction", "env", "goroot"])
def test_text_edits_keep_every_layout_a_dockerfile(layout: str, name: str) -> None:
    recipe = layouts.render(layout, VALUES)
    inputs = edits.Inputs(
        dockerfile=recipe.dockerfile,
        dockerfile_path="Dockerfile",
        context=Context(),
        target=recipe.target,
        goroot=recipe.goroot,
    )
    after = edits.apply(edits.Builtin(name=name), inputs, "trial/1 x")
    old, new = parse(recipe.dockerfile).instructions, parse(after.dockerfile).instructions
    assert [step.keyword for step in old] == [step.keyword for step in new]
    different = [step for step, other in zip(old, new, strict=True) if step.text != other.text]
    assert different
    if name == "instruction":
        assert [step.keyword for step in different] == ["RUN"]
    if name == "goroot":
        assert after.goroot is not None
        assert f"ENV GOROOT={after.goroot}\n" in after.dockerfile
        kept = [step for step in new if "/usr/local/go" in step.text and "toolchain" in step.text]
        assert all(f"{layouts.TOOLCHAIN}-" not in step.text for step in kept)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (edits.Replace(path="x", old="one", new="{token}!"), b"T! two two\n"),
        (edits.Append(path="x", text="{token}"), b"one two two\nT"),
        (edits.Write(path="./x", text="new"), b"new"),
    ],
)
def test_patches(own: edits.Inputs, edit: edits.Edit, expected: bytes) -> None:
    after = edits.apply(edit, own, "T")
    assert after.context.read("x") == expected
    assert changed(own, after) == {"x"}


def test_more_patches(own: edits.Inputs) -> None:
    assert "d/e" not in edits.apply(edits.Delete(path="d"), own, "T").context.entries
    assert edits.apply(edits.Chmod(path="x", mode=0o755), own, "T").context.file("x") == File(
        b"one two two\n", 0o755
    )
    assert edits.apply(edits.Touch(path="x"), own, "T").context.file("x").mtime > 0
    assert edits.apply(edits.Write(path="new", text=""), own, "T").context.read("new") == b""


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (edits.Replace(path="x", old="two", new=""), r"'x' for 'two', which is in it 2 times"),
        (edits.Replace(path="x", old="three", new=""), r"'x' for 'three', which is not in it"),
        (edits.Replace(path="x", old="", new="a"), "is not in it"),
        (edits.Append(path="no", text=""), "there is no 'no'"),
        (edits.Delete(path="no"), "there is no 'no'"),
        (edits.Delete(path="Dockerfile"), "the Dockerfile of the build"),
        (edits.Touch(path="ln"), "is a link"),
        (edits.Write(path="ln", text=""), "is a link"),
        (edits.Write(path="ln/x", text=""), "lies below 'ln'"),
        (edits.Write(path="../x", text=""), "not a path inside"),
        (edits.Chmod(path="d", mode=0o700), "is a directory"),
        (edits.Builtin(name="sauce"), "no edit is named 'sauce'"),
        *((edits.Builtin(name=name), "generated") for name in ("source", "comment", "new-file")),
        *((edits.Builtin(name=name), "generated") for name in ("dependency", "goroot", "mode")),
        (edits.Builtin(name="env"), "ENV LAB_SETTING"),
        (edits.Builtin(name="arg"), "VERSION"),
    ],
)
def test_what_does_not_fit_is_said(own: edits.Inputs, edit: edits.Edit, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        edits.apply(edit, own, "T")
    assert caught.value.remedy


def test_a_patch_of_the_dockerfile_is_what_is_built(own: edits.Inputs) -> None:
    edit = edits.Replace(path="./Dockerfile", old="RUN one", new="RUN {token}")
    after = edits.apply(edit, own, "T")
    assert after.dockerfile == "FROM a\nRUN T\nCOPY x y\n"
    assert after.full_context().read("Dockerfile").decode() == after.dockerfile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN one\n", "FROM a\nRUN : edit-T; one\n"),
        (
            "FROM a\nrun --mount=target=/x \\\n --network=none \\\n   one \\\n && two\n",
            "FROM a\nrun --mount=target=/x \\\n --network=none \\\n   : edit-T; one \\\n && two\n",
        ),
        ('FROM a\nRUN one\nRUN ["two"]\n', 'FROM a\nRUN : edit-T; one\nRUN ["two"]\n'),
        (
            "FROM a AS x\nRUN one\nFROM b AS unneeded\nRUN no\nFROM x\n",
            "FROM a AS x\nRUN : edit-T; one\nFROM b AS unneeded\nRUN no\nFROM x\n",
        ),
    ],
)
def test_the_instruction_edit(own: edits.Inputs, text: str, expected: str) -> None:
    inputs = replace(own, dockerfile=text)
    assert edits.apply(edits.Builtin(name="instruction"), inputs, "T").dockerfile == expected


def test_no_run_to_change(own: edits.Inputs) -> None:
    with pytest.raises(InputError, match="none in shell form"):
        edits.apply(edits.Builtin(name="instruction"), replace(own, dockerfile="FROM a\n"), "T")
