"""Samples of an experiment under way: kept one by one, taken up again, never of something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.golang.bench.journal import Journal
from lab.model.errors import StoreError

OF = {"settings": {"go": "1.22.10", "kinds": ["ext4", "xfs"]}, "host": {"kernel": "6.1"}}


def filled(path: Path, count: int, of: dict[str, object] = OF) -> list[str]:
    """Take samples 0 .. count - 1; which of them had to be taken."""
    taken = []
    with Journal(path, of) as journal:
        for number in range(count):

            def make(name: str = str(number)) -> dict[str, list[float]]:
                taken.append(name)
                return {"wall": [float(name), 0.1]}

            assert journal.take(str(number), make) == {"wall": [float(number), 0.1]}
    return taken


def test_what_is_there_is_not_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "samples/a.jsonl"
    assert filled(path, 3) == ["0", "1", "2"]
    assert filled(path, 5) == ["3", "4"]
    with Journal(path, OF) as journal:
        assert journal.resumed == 5


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), tail=st.sampled_from([b"", b"{", b"null\n", b'{"key": "9"}\n']))
def test_a_file_cut_anywhere_gives_what_was_whole(
    tmp_path: Path, share: float, tail: bytes
) -> None:
    """A loss of power may leave any beginning of it, and what is no sample behind that."""
    path = tmp_path / "a.jsonl"
    path.unlink(missing_ok=True)
    filled(path, 6)
    whole = path.read_bytes()
    cut = whole[: round(share * len(whole))]
    path.write_bytes(cut + tail)
    kept = max(cut.count(b"\n") - 1, 0)
    assert filled(path, 6) == [str(number) for number in range(kept, 6)]
    keys = [json.loads(line).get("key") for line in path.read_bytes().splitlines()]
    assert keys == [None, "0", "1", "2", "3", "4", "5"]


def test_samples_of_something_else_are_put_away(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    filled(path, 3)
    elsewhere = OF | {"host": {"kernel": "6.12"}}
    assert filled(path, 2, elsewhere) == ["0", "1"]
    assert filled(path, 2, elsewhere) == []


def test_a_sample_that_failed_is_not_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.jsonl", OF) as journal:
        with pytest.raises(ZeroDivisionError):
            journal.take("0", lambda: {"wall": [1 / 0]})
        assert journal.take("0", lambda: {"wall": [2.0]}) == {"wall": [2.0]}


def test_two_labs_do_not_write_one_file(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "a.jsonl", OF),
        pytest.raises(StoreError, match="another lab process"),
        Journal(tmp_path / "a.jsonl", OF),
    ):
        pass
