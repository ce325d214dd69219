"""Dockerfiles parted into instructions as builders part them."""

from __future__ import annotations

import pytest

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
        ("RUN echo `date`\nRUN b\n", [1, 2, 3], ()),
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


def test_a_backslash_ends_no_line_where_the_escape_is_another() -> None:
    found = parse("# escape=`\nFROM x\nWORKDIR c:\\\nRUN a `\n  b\n").instructions
    assert [(one.line, one.end) for one in found] == [(2, 2), (3, 3), (4, 5)]
