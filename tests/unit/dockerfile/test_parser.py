"""Dockerfiles parted into instructions as builders part them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dockerfile.cachekey import CacheInputs, make
from lab.dockerfile.context import Context
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse


@pytest.mark.parametrize(
    ("body", "ends", "heredocs"),
    [
        ("RUN cat <<EOF\na\nEOF\nRUN b\n", [1, 4, 5], ("a",)),
        ("RUN cat <<-'E-1' >/x\n\ta\n\tE-1\nRUN b\n", [1, 4, 5], ("\ta",)),
        ('RUN cat 3<<"a b" <<c\n1\na b\n2\nc\n', [1, 6], ("1", "2")),
        ('RUN sh -c "cat <<EOF"\nRUN b\n', [1, 2, 3], ()),
        ("RUN sh -c 'cat <<EOF'\nRUN b\n", [1, 2, 3], ()),
        ("RUN echo $((1 << N)) x<<EOF\nRUN b\n", [1, 2, 3], ()),
        ("RUN cat << EOF\na\nEOF\nRUN b\n", [1, 4, 5], ("a",)),
        ("RUN cat <<E'O'F\na\nEOF\nRUN b\n", [1, 4, 5], ("a",)),
        ("RUN it's <<EOF\nRUN b\n", [1, 2, 3], ()),
        ('RUN "${)" <<EOF\nRUN b\n', [1, 2, 3], ()),
        ("RUN echo `date`\nRUN b\n", [1, 2, 3], ()),
        ("RUN a \\\\\nRUN b\n", [1, 2, 3], ()),
        ("RUN a \\\n# remark\n\n  && b\nRUN c\n", [1, 5, 6], ()),
        ("RUN printf 'a\x0cb\u2028c\x85'\nRUN b\n", [1, 2, 3], ()),
    ],
)
def test_each_instruction_ends_where_builders_end_it(
    body: str, ends: list[int], heredocs: tuple[str, ...]
) -> None:
    found = parse(f"FROM x\n{body}").instructions
    assert [one.end for one in found] == ends
    assert found[1].heredocs == heredocs


def test_an_unknown_directive_ends_them_all() -> None:
    """Seen on docker 20.10.24 and 28.5.2, podman 4.3.1 and 5.8.6."""
    assert parse("# colour=red\n# escape=`\nFROM x\n").escape == "\\"
    assert parse("# check=skip=all\n# escape=`\nFROM x\n").escape == "`"


def test_a_backslash_ends_no_line_where_the_escape_is_another() -> None:
    found = parse("# escape=`\nFROM x\nWORKDIR c:\\\nRUN a `\n  b\n").instructions
    assert [(one.line, one.end) for one in found] == [(2, 2), (3, 3), (4, 5)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM x\n\\", 2),
        ("FROM x\nRUN a\n  \\  \n\n# remark\n", 3),
        ("\\\n", 1),
        ("# escape=`\nFROM x\n`", 3),
        ("# escape=%\nFROM x\n", 1),
        ("# escape=`\n# escape=\\\nFROM x\n", 2),
    ],
)
def test_what_builders_refuse_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(DockerfileError) as stop:
        parse(text)
    assert stop.value.line == line


def test_an_escape_that_stands_alone_goes_on_with_the_line_below() -> None:
    (_, run) = parse("FROM x\n\\\n\nRUN a\n").instructions
    assert (run.text, run.line, run.end) == ("RUN a", 2, 4)


@pytest.mark.parametrize("keyword", ["RUN", "CMD", "ENTRYPOINT"])
def test_these_need_no_operand(keyword: str) -> None:
    """Built so by docker 20.10.24 and 28.5.2, whether its line is continued or not."""
    for end in ("", " ", "\\", " \\\n"):
        (_, alone) = parse(f"FROM x\n{keyword}{end}").instructions
        assert (alone.keyword, alone.text, alone.operands) == (keyword, keyword, "")


@pytest.mark.parametrize(
    ("rest", "flags", "operands"),
    [
        ('--chown="$A:$B" --from=b a /', {"chown": "$A:$B", "from": "b"}, "a /"),
        ("--chown='a b' a /", {"chown": "a b"}, "a /"),
        (r"--chown=a\ b --link a /", {"chown": "a b", "link": ""}, "a /"),
        ("--link -- --a /", {"link": ""}, "--a /"),
        ("a --from=b /", {}, "a --from=b /"),
    ],
)
def test_flags_are_read_without_their_quotes(
    rest: str, flags: dict[str, str], operands: str
) -> None:
    """As BuildKit's parser reads them."""
    copy = parse(f"FROM x\nCOPY {rest}\n").instructions[1]
    assert (dict(copy.flags), copy.operands) == (flags, operands)


def test_a_word_goes_on_below_where_no_blank_parts_it() -> None:
    """`ec\\` and `ho` below it are one word on docker 28.5.2 and podman 5.8.6."""
    (_, run) = parse("FROM x\nRUN ec\\\nho a\\\n  b \\\nc\n").instructions
    assert run.text == "RUN echo a b c"


PIECES = [
    *("FROM x", "FROM", " AS a", "RUN ", "COPY ", "ADD ", "ARG A", "ENV A=", "ONBUILD ", "LABEL "),
    *("\n", "\n", "\\\n", "`\n", "\r\n", "\\", "# ", "# escape=`\n", "# syntax=x\n", "\t", " "),
    *("<<EOF", "<<-'E'", "EOF", "E\n", "--from=0 ", "--mount=type=cache,", "--exclude=", "[", '"]'),
    *("'", '"', "${A", "$A", "${A:-", "}", "*", "?", "./", "/", "=", ",", "\0", "\ufeff", "\x85"),
    *("WORKDIR ", "SHELL ", "USER ", "HEALTHCHECK ", "0", "a"),
]  # fmt: skip


def read(text: str) -> Dockerfile | DockerfileError:
    try:
        return parse(text)
    except DockerfileError as error:
        return error


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join) | st.text(max_size=60))
def test_any_text_is_a_dockerfile_or_is_refused_with_a_line_of_it(text: str) -> None:
    for whole in (text, f"FROM x\n{text}"):
        found = read(whole)
        if isinstance(found, DockerfileError):
            assert 1 <= found.line <= whole.count("\n") + 1
        else:
            ends = [one.end for one in found.instructions]
            assert ends == sorted(ends)
            CacheInputs.from_json(make(found, Context()).to_json())


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("ARG A=1 B=debian\nFROM $B\n", "debian"),
        ("ARG A=debian\nARG B=${A}\nFROM ${B}:12\n", "debian:12"),
        ("ARG A=1\nFROM ${A:+debian}\n", "debian"),
        ("FROM ${A:-debian}\n", "debian"),
        ('FROM "debian"\n', "debian"),
    ],
)
def test_a_base_is_filled_in_as_builders_do(text: str, base: str) -> None:
    """Built so by docker 20.10.24 and 28.5.2, podman 4.3.1 and 5.8.6."""
    assert parse(text).stages[0].base == base
