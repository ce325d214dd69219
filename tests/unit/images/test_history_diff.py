"""Images compared by their history, from archives that the test writes itself."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.images import history_diff
from lab.model.errors import InputError


def archive(path: Path, steps: list[tuple[str, str | None]]) -> Path:
    config = {
        "rootfs": {"diff_ids": [layer for _, layer in steps if layer]},
        "history": [
            {"created_by": text} | ({} if layer else {"empty_layer": True}) for text, layer in steps
        ],
    }
    documents: dict[str, Any] = {
        "config.json": config,
        "manifest.json": [{"Config": "config.json", "RepoTags": [], "Layers": []}],
    }
    with tarfile.open(path, "w") as tar:
        for name, value in documents.items():
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


STEPS: list[tuple[str, str | None]] = [
    ("/bin/sh -c #(nop) ADD file:1 in / ", "sha256:base"),
    ("/bin/sh -c #(nop)  ENV A=1", None),
    ("/bin/sh -c make", "sha256:made"),
    ("COPY /out /out # buildkit", "sha256:out"),
]


def compared(tmp_path: Path, other: list[tuple[str, str | None]]) -> list[str]:
    one, two = archive(tmp_path / "a.tar", STEPS), archive(tmp_path / "b.tar", other)
    return list(
        history_diff.differences(history_diff.history(str(one)), history_diff.history(str(two)))
    )


def test_equal_images_have_no_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, STEPS) == ["4 steps the same"]


def test_the_first_step_that_left_something_else_is_told_from_what_follows(tmp_path: Path) -> None:
    other = [*STEPS[:2], (STEPS[2][0], "sha256:x"), (STEPS[3][0], "sha256:y")]
    assert compared(tmp_path, other) == [
        "2 steps the same",
        "  RUN make: what it left differs: its inputs, or what it does, changed",
        "  COPY /out /out: follows",
    ]


def test_changed_and_missing_steps_are_named(tmp_path: Path) -> None:
    other: list[tuple[str, str | None]] = [STEPS[0], ("/bin/sh -c #(nop)  ENV A=2", None)]
    assert compared(tmp_path, other) == [
        "1 step the same",
        "  text changed: ENV A=1 → ENV A=2",
        "  only in the first image: RUN make",
        "  only in the first image: COPY /out /out",
    ]


def test_what_is_no_archive_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no tar")
    with pytest.raises(InputError, match="not an image archive"):
        history_diff.history(str(tmp_path / "x.tar"))


def test_an_image_that_nobody_holds_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no docker answers here that holds"):
        history_diff.history("docker:localhost/lab/nowhere:1")
