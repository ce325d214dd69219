"""Generated Go projects: their size, their shape, and that Go takes them where Go is at hand."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dockerfile import generated_project
from lab.dockerfile.context import Context
from lab.dockerfile.go_sources import MODULE
from lab.model.errors import InputError


def lines(context: Context) -> int:
    files = [path for path, entry in context.entries.items() if entry.kind == "file"]
    return sum(context.read(path).count(b"\n") for path in files)


def chain(context: Context, name: str = "") -> int:
    """The longest chain of imports below a package."""
    starts = [name] if name else sorted({path.split("/")[1] for path in context.entries
                                         if path.startswith("internal/pkg")})  # fmt: skip
    longest = 0
    for start in starts:
        text = context.read(f"internal/{start}/part000.go").decode()
        below = re.findall(rf'"{MODULE}/internal/(\w+)"', text)
        longest = max(longest, 1 + max((chain(context, other) for other in below), default=0))
    return longest


@pytest.mark.slow
@settings(max_examples=30)
@given(st.integers(1, 14), st.integers(0, 3000), st.integers(1, 5), st.integers(0, 99))
def test_size_and_depth(packages: int, more: int, depth: int, seed: int) -> None:
    depth = min(depth, packages)
    wanted = 200 + packages * 70 + more
    context = generated_project.generate(packages, wanted, depth, seed)
    assert abs(lines(context) - wanted) <= wanted * 0.02
    assert chain(context) == depth
    folders = {path.split("/")[1] for path in context.entries if path.startswith("internal/")}
    assert len(folders) == packages


def test_the_same_seed_gives_the_same_bytes() -> None:
    one = generated_project.generate(5, 1500, 3, 7)
    assert one == generated_project.generate(5, 1500, 3, 7)
    assert one != generated_project.generate(5, 1500, 3, 8)


@pytest.mark.slow
def test_the_reference_size_takes_seconds() -> None:
    start = time.monotonic()
    context = generated_project.generate(127, 320_000, 8, 1)
    assert time.monotonic() - start < 5
    assert abs(lines(context) - 320_000) < 6400


@pytest.mark.parametrize("numbers", [(0, 1000, 1), (3, 1000, 4), (3, 1000, 0), (50, 500, 2)])
def test_numbers_that_do_not_fit(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        generated_project.generate(*numbers, 1)


@pytest.mark.parametrize("packages", [1, 4, 30])
def test_the_least_that_is_promised_fits_and_one_line_less_does_not(packages: int) -> None:
    least = generated_project.least_lines(packages)
    assert abs(lines(generated_project.generate(packages, least, 1, 1)) - least) <= least * 0.02
    with pytest.raises(InputError):
        generated_project.generate(packages, least - 1, 1, 1)


def test_the_files_that_edits_change_are_there() -> None:
    context = generated_project.generate(1, 400, 1, 1)
    for path in (generated_project.SOURCE_FILE, generated_project.DEPENDENCY_FILE):
        assert generated_project.REVISION.search(context.read(path).decode())
    assert generated_project.NEW_FILE not in context.entries
