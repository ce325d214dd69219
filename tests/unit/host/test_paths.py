from __future__ import annotations

from pathlib import Path

import pytest

from lab.host import paths
from lab.model.errors import StoreError


def test_the_cache_lies_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("LAB_CACHE", raising=False)
    assert paths.cache_dir() == tmp_path / "xdg/lab"
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "own"))
    assert paths.cache_dir() == tmp_path / "own"
    assert paths.state_dir() == tmp_path / "own/engines"


def test_a_cache_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(StoreError, match="cannot make"):
        paths.cache_dir()


def test_sockets_lie_in_a_short_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 20)))
    folder = paths.runtime_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(str(folder)) < 60
