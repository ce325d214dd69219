"""What befalls the blobs of a registry that is like another."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from lab.engines import registry_days


def test_a_damaged_blob_differs_in_one_byte_and_the_others_own_in_none(tmp_path: Path) -> None:
    kept, blob = tmp_path / "kept", tmp_path / "data"
    size = 16 << 20
    with kept.open("wb") as file:
        file.truncate(size)
    blob.hardlink_to(kept)
    tracemalloc.start()
    try:
        registry_days._damage(blob)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size / 8
    was, now = kept.read_bytes(), blob.read_bytes()
    assert was == bytes(size)
    assert [at for at in (size // 2 - 1, size // 2, size // 2 + 1) if now[at]] == [size // 2]
    assert len(now) == size
    assert now.count(0) == size - 1
    assert {one.name for one in tmp_path.iterdir()} == {"kept", "data"}
