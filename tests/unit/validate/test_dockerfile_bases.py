"""A Dockerfile whose base the lab has only the Debian of: what is judged is told, what not too."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.images.opened import Opened, empty
from lab.validate import targets


@pytest.mark.parametrize(
    ("base", "origin"),
    [
        ("debian:bookworm-slim", "no files"),
        (
            "golang:1.22-bookworm",
            "no files: the Debian below golang:1.22-bookworm, without what that image adds; "
            "`docker pull golang:1.22-bookworm`, then `lab validate docker:golang:1.22-bookworm` "
            "judges the image itself",
        ),
    ],
)
def test_the_debian_below_an_image_is_told_as_no_more_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, origin: str
) -> None:
    asked: list[str] = []

    def suite(name: str, **_: object) -> Opened:
        asked.append(name)
        return empty()

    monkeypatch.setattr(targets, "opened", suite)
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\n")
    (found,) = targets.targets([str(tmp_path / "Dockerfile")], say=lambda _: None).images
    assert asked == ["bookworm"]
    assert found.image is not None
    assert found.image.origin == origin


def test_a_base_that_no_suite_is_of_is_told_with_how_to_have_it(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim\n")
    (found,) = targets.targets([str(tmp_path / "Dockerfile")], say=lambda _: None).images
    assert "`docker pull python:3.11-slim`" in (found.provide or "")
    assert "`lab validate docker:python:3.11-slim`" in (found.provide or "")
