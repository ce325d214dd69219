"""Certificates as they are made, and what is left where that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.model.errors import LabError
from lab.runner.fleet import security

# Stands in for openssl: does the rest of what it is asked, and fails to sign.
FAILS_TO_SIGN = '#!/bin/sh\ncase $1 in x509) exit 1;; esac\nPATH=/usr/bin:/bin exec openssl "$@"\n'


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/openssl"
    program.parent.mkdir()
    program.write_text(FAILS_TO_SIGN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_a_failure_leaves_nothing_behind(tmp_path: Path, failing: None) -> None:
    with pytest.raises(LabError):
        security.make(tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_a_failure_leaves_what_was_there_before(tmp_path: Path, failing: None) -> None:
    (tmp_path / "keys/others").mkdir(parents=True)
    with pytest.raises(LabError):
        security.make(tmp_path / "keys", ["one", "two"])
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["others"]


def test_an_authority_is_made_once(tmp_path: Path) -> None:
    security.make(tmp_path / "keys", ["one"])
    authority = (tmp_path / "keys/ca.pem").read_bytes()
    (made,) = security.make(tmp_path / "keys", ["two"])
    assert (made / "ca.pem").read_bytes() == authority
