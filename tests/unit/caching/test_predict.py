"""What `lab predict` says of Dockerfiles as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.caching.predict.inputs import cache_inputs, read
from lab.cli.main import main
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.cachekey.stage_contents import origins
from lab.dockerfile.parser import parse
from tests.image_archives import archive, layer

ODD = (
    "\ufeff# escape=`\r\nARG GO=golang:1.22\r\nFROM --platform=linux/amd64 ${GO} AS build\r\n"
    "WORKDIR /src\r\nCOPY\tgo.mod `\r\n  cmd/ ./\r\nRUN <<EOF\r\ngo build\r\nEOF\r\n"
    "FROM debian\r\nONBUILD COPY . /late\r\nCOPY --from=build /src/go.mod /m\r\n"
)


def folder(path: Path, text: bytes) -> Path:
    (path / "cmd").mkdir()
    (path / "cmd/m.go").write_text("package main\n")
    (path / "go.mod").write_text("module m\n")
    (path / "README.md").write_text("r")
    (path / ".dockerignore").write_text("**\n!go.mod\n!cmd\n")
    (path / "Dockerfile").write_bytes(text)
    return path / "Dockerfile"


def predicted(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["predict", *words])
    assert ended.value.code in {None, 0, 2}
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_byte_order_marks_line_ends_tabs_and_other_escapes_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, ODD.encode())
    shown = predicted(capsys, str(path), "--engine", "podman", "--edit", "cmd/m.go")
    assert "COPY go.mod" in shown
    assert "cmd/m.go content" in shown
    assert [one.keyword for one in parse(ODD).instructions].count("COPY") == 2


def test_what_clients_keep_back_and_an_archive_holds_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian\nCOPY . /x/\nRUN true\n")
    shown = predicted(capsys, str(path), "--edit", "text:2")
    assert "docker: COPY . /x/ would see the Dockerfile in an archive" in shown
    assert "podman: COPY . /x/ would see" not in shown
    assert "Dockerfile content" not in shown
    (tmp_path / ".dockerignore").write_text("README.md\n")
    shown = predicted(capsys, str(path), "--edit", "text:2")
    assert "in an archive" not in shown
    assert "Dockerfile content" in shown


def test_a_file_that_is_kept_back_is_named_before_a_build_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian\nCOPY README.md cmd /x/\nRUN echo \xff\xfe\n")
    shown = predicted(capsys, str(path))
    assert "the context has no README.md" in shown
    assert "has no cmd" not in shown


@pytest.mark.parametrize("verb", ["predict", "advise"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bin",), "is no text file"),
        (("gone",), "cannot be read"),
        (("Dockerfile", "--engine", "podman=new"), "'new' is no version of podman"),
        (("Dockerfile", "--edit", "chmd:go.mod=755"), "no edit is of the kind 'chmd'"),
    ],
)
def test_bad_input_is_told_with_what_to_do(
    verb: str,
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder(tmp_path, b"FROM debian\nCOPY . .\nRUN x\n")
    (tmp_path / "bin").write_bytes(b"\x7fELF\0\0")
    with pytest.raises(SystemExit) as ended:
        main([verb, str(tmp_path / words[0]), *words[1:]])
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in shown
    assert "next: " in shown


def test_two_contexts_of_one_dockerfile_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian\nCOPY . .\nRUN x\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "go.mod").write_text("module other\n")
    contexts = ["--context", str(tmp_path), "--context", str(other)]
    with pytest.raises(SystemExit):
        main(["explain", "--between", str(path), str(path), *contexts, "--engine", "docker"])
    shown = capsys.readouterr().out
    assert "go.mod content" in shown
    assert "cmd/m.go removed" in shown


def test_a_target_that_is_not_there_is_an_input_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian AS a\nRUN x\n")
    assert "no stage is named 'z'" in predicted(capsys, str(path), "--target", "z")


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("/x/a", {1}),
        ("/x", {1, 2}),
        ("/y/b", {3}),
        ("/bin/tool", {4}),
        ("/x/*", {1, 2}),
        ("/elsewhere", set()),
    ],
)
def test_what_is_copied_on_stands_on_the_steps_that_write_there(
    tmp_path: Path, path: str, steps: set[int]
) -> None:
    text = (
        "FROM debian AS s\nCOPY go.mod /x/a\nCOPY cmd /x/b\nCOPY go.mod /y/\n"
        f"COPY go.mod /usr/bin/tool\nFROM debian\nCOPY --from=s {path} /z\n"
    )
    made = cache_inputs(read(folder(tmp_path, text.encode()), None, {}, None))
    found = origins(made.by_index, made.steps[-1], archive_rules("docker"))
    assert {one.step for one in found if not one.whole} == steps
    assert [one.step for one in found if one.whole] == [0]
    assert [
        one.step for one in origins(made.by_index, made.steps[-1], archive_rules("simulated"))
    ] == [4]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("edit", ["README.md", "docs/new.md", "rename:go.mod=docs/go.mod"])
def test_what_is_kept_back_changes_nothing(
    edit: str, own: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian\nCOPY cmd READM[E].md doc[s] /x/\n")
    if own:
        (tmp_path / ".dockerignore").rename(tmp_path / "Dockerfile.dockerignore")
    shown = predicted(capsys, str(path), "--engine", "podman", "--edit", edit)
    assert "0 would run, 1 from the cache" in shown
    assert f"{edit.rpartition('=')[2]} is not sent" in shown
    shown = predicted(capsys, str(path), "--engine", "podman", "--edit", "cmd/new.go")
    assert "1 would run" in shown


def test_predictions_fit_eighty_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = b"".join(b"RUN go build -o /out/%s ./cmd\n" % name for name in (b"a", b"b", b"c"))
    path = folder(tmp_path, b"FROM x\nCOPY cmd /x/\nRUN go mod download\n" + runs)
    shown = predicted(capsys, str(path), "--edit", "cmd/m.go")
    assert "4 followed" in shown
    assert max(map(len, shown.splitlines())) <= 80


SECRET = (
    b"FROM node\nWORKDIR /app\nCOPY . .\n"
    b"RUN --mount=type=secret,id=rc,target=/root/.npmrc npm ci\nRUN node check.js\n"
)


def test_an_engine_that_cannot_build_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, SECRET)
    shown = predicted(capsys, str(path), "--edit", "go.mod")
    assert "docker-classic cannot build this: line 4: docker-classic has no RUN --mount" in shown
    assert shown.count("cannot build") == 1
    lines = [line for line in shown.splitlines() if " would run, " in line]
    assert [line.split(":")[0].strip() for line in lines] == ["docker", "podman"]
    alone = predicted(capsys, str(path), "--edit", "go.mod", "--engine", "docker-classic")
    assert "docker-classic: " in alone.replace("docker-classic cannot", "")


def test_a_path_that_is_not_there_is_told_from_one_that_no_step_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, b"FROM debian\nCOPY go.mod /x/\n")
    said = "is not in the context: it would be a new file"
    assert f"nosuch.go {said}" in predicted(capsys, str(path), "--edit", "nosuch.go")
    assert said not in predicted(capsys, str(path), "--edit", "go.mod")


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_what_a_file_asks_already_keeps_no_advice_away(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, SECRET)
    (tmp_path / ".dockerignore").unlink()
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(SystemExit):
        main(["advise", str(path), "--engine", engine, "--edit", "README.md"])
    assert "dependencies before sources" in capsys.readouterr().out


def test_an_optional_file_that_is_not_there_fails_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As tests/contract/test_wildcards.py sees it on the engines."""
    path = folder(tmp_path, b"FROM debian\nCOPY go.mod go.su[m] ./\nCOPY z[z] /d/\n")
    engines = ("--engine", "docker", "--engine", "podman=4.3.1")
    shown = " ".join(predicted(capsys, str(path), *engines, "--edit", "go.mod").split())
    assert "COPY z[z] /d/ would fail on podman 4.3.1: the context has no z[z]" in shown
    assert "go.su[m] (see" not in shown


@pytest.mark.parametrize(
    ("ignore", "told"),
    [
        ("**/*.md\n!docs\n", "docs/a.md and 1 more: sent by podman 4.3"),
        ("**/*.md\n!docs/*\n", "docs/sub/b.md: sent by podman 4.3"),
        ("**/*.md\n!docs/**\n", None),
        ("docs\n!docs/sub\n", None),
    ],
)
def test_what_clients_read_differently_in_a_dockerignore_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ignore: str, told: str | None
) -> None:
    """What the command of docker 28.2.2 sent, beside that of 20.10.24 and podman 4.3.1."""
    path = folder(tmp_path, b"FROM debian\nCOPY . .\n")
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    for name in ("a.md", "sub/b.md"):
        (tmp_path / "docs" / name).write_text(name)
    (tmp_path / ".dockerignore").write_text(ignore)
    shown = " ".join(predicted(capsys, str(path), "--engine", "docker", "--edit", "go.mod").split())
    assert ("kept back by docker 28" in shown) is (told is not None)
    assert (told or "") in shown


TRIGGERS = "FROM debian AS p\nONBUILD COPY go.mod /m\nFROM p AS q\nRUN make\nFROM q\nRUN test\n"
HERE = "FROM debian\nARG N\nCOPY <<{} /raw\n$N\nEOF\n"


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_what_onbuild_brings_is_part_of_the_stage_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    path = str(folder(tmp_path, TRIGGERS.encode()))
    shown = predicted(capsys, path, "--engine", engine, "--edit", "go.mod", "--edit", "README.md")
    changed, _, other = shown.partition("edit README.md")
    assert "3 would run" in changed
    assert "go.mod content" in changed
    assert "0 would run" in other


def test_the_triggers_of_a_base_are_steps_where_its_image_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder(tmp_path, b"FROM node:onbuild AS a\nRUN x\nFROM a\nRUN y\n")
    asked = (str(place), "--edit", "go.mod", "--engine", "docker")
    told = predicted(capsys, *asked)
    assert "its triggers (ONBUILD) are not known here" in told
    assert "0 would run" in told
    image = archive(tmp_path / "base.tar", [layer()], {"OnBuild": ["COPY go.mod /a", "RUN z"]})
    given = ("--base-image", f"node:onbuild={image}")
    told = predicted(capsys, *asked, *given)
    assert "not known" not in told
    assert "4 would run" in told
    with pytest.raises(SystemExit):
        main(["predict", str(place), "--base-image", "node:onbuild"])
    assert "REFERENCE=IMAGE" in capsys.readouterr().err


def test_quoted_here_documents_know_no_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(tmp_path, HERE.format("'EOF'").encode())
    words = ("--engine", "docker", "--edit", "arg:N=2")
    assert "0 would run" in predicted(capsys, str(path), *words)
    path.write_text(HERE.format("EOF"))
    assert "ARG N added: 2" in predicted(capsys, str(path), *words)


@pytest.mark.parametrize(
    ("copy", "docker", "podman"),
    [("*.go .", 1, 1), ("*.go cmd", 0, 1), ("cmd/*.go cmd", 1, 0), ("**/*.go .", 0, 0)],
)
def test_what_is_excluded_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], copy: str, docker: int, podman: int
) -> None:
    """As tests/contract/test_idioms.py sees it on the engines."""
    path = folder(tmp_path, f"FROM debian\nCOPY --exclude={copy} /e/\n".encode())
    engines = ("--engine", "docker", "--engine", "podman")
    shown = predicted(capsys, str(path), *engines, "--edit", "cmd/m.go")
    assert f"docker: {docker} would run" in shown
    assert f"podman: {podman} would run" in shown


VARIANTS = (
    "ARG VARIANT=prod\nFROM debian AS dev\n{}RUN echo dev\nFROM debian AS prod\nRUN echo prod\n"
    "FROM ${{VARIANT}} AS final\nRUN echo final\n"
)


@pytest.mark.parametrize("head", ["", "LABEL a=b\n"])
def test_an_argument_that_chooses_a_stage_is_the_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: str
) -> None:
    path = folder(tmp_path, VARIANTS.format(head).encode())
    shown = predicted(capsys, str(path), "--engine", "docker", "--edit", "arg:VARIANT=dev")
    assert "2 would run" in shown
    assert "ARG VARIANT changed prod → dev" in shown
    assert "base moved" not in shown
    assert "has changed" not in shown
