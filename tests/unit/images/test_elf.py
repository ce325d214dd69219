"""ELF files, whole and damaged. That facts are right is held by tests/contract against readelf."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images import elf

WHOLE = Path("/bin/true").read_bytes()


def test_the_interpreter_that_runs_this_is_a_program() -> None:
    with Path(sys.executable).open("rb") as file:
        facts = elf.read(file)
    assert facts.program
    assert "libc.so.6" in facts.needed
    assert facts.interpreter is not None


@given(size=st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_file_that_is_cut_off_is_no_elf_file(size: int) -> None:
    with pytest.raises(elf.NotElf):
        elf.read(io.BytesIO(WHOLE[:size]))


@pytest.mark.slow
@settings(max_examples=400)
@given(
    changes=st.lists(
        st.tuples(
            st.one_of(
                st.integers(0, 0x400),  # the headers
                st.integers(0, len(WHOLE) - 1),
            ),
            st.integers(0, 255),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_damage_is_told_and_never_breaks_the_reader(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    try:
        facts = elf.read(io.BytesIO(bytes(data)))
    except elf.NotElf as error:
        assert str(error)  # noqa: PT017 - either answer is right, a third one is not
    else:
        assert isinstance(facts, elf.Facts)
    with suppress(elf.NotElf):
        elf.given(io.BytesIO(bytes(data)))


@pytest.mark.slow
@settings(max_examples=15)
@given(places=st.lists(st.integers(0, len(WHOLE) - 1), max_size=40), value=st.integers(0, 255))
def test_damaged_code_is_read_or_told(places: list[int], value: int) -> None:
    data = bytearray(WHOLE)
    for place in places:
        data[place] = value
    with suppress(elf.NotElf):
        found = elf.calls(io.BytesIO(bytes(data)))
        assert found is None or found.unread >= 0


@given(st.binary(max_size=4096))
def test_any_bytes_after_the_magic_are_told_as_damage(data: bytes) -> None:
    with pytest.raises(elf.NotElf):
        elf.read(io.BytesIO(elf.MAGIC + b"\x02\x01\x01" + data[:48]))


@pytest.mark.parametrize(
    ("older", "newer"), [("2.9", "2.10"), ("2.2.5", "2.3"), ("5.10", "5.10.1"), ("6.1.0-44", "6.2")]
)
def test_versions_are_compared_as_numbers(older: str, newer: str) -> None:
    assert elf.ordered(older) < elf.ordered(newer)


def test_only_numbered_versions_are_released_ones() -> None:
    assert elf.released("GLIBC_2.38") == ("GLIBC", "2.38")
    assert elf.released("GLIBC_PRIVATE") is None
    assert elf.released("GLIBC_ABI_DT_RELR") is None
    assert elf.released("GLIBCXX_3.4.32") == ("GLIBCXX", "3.4.32")
