"""Answers of probes as rows and verdicts."""

from __future__ import annotations

from pathlib import Path

from lab.images.opened import opened
from lab.validate import rows
from lab.validate.matrix import Column
from lab.validate.probes import TABLE, Answer, ProbeResults, Ran
from lab.validate.results import Asked, Probed
from lab.validate.targets import Target
from lab.validate.validation import validate
from tests.image_archives import archive, layer, member

BARE = Column("6.1")
DOCKER = Column("6.1", "docker")


def results(confinement: str, clone3: Answer, *, thread: bool, used: int) -> ProbeResults:
    calls = dict.fromkeys(TABLE, Answer(value=0)) | {"clone3": clone3}
    refused = {} if clone3.error is None else {TABLE["clone3"].number: clone3.error}
    ran = Ran(
        code=0 if thread else 1,
        signal=None,
        missing=False,
        output=("thread works",) if thread else ("thread EPERM",),
        used=frozenset({used}),
        refused=refused,
    )
    return ProbeResults(
        root="image0", confinement=confinement, calls=calls, programs={"libc-thread": ran}
    )


def probed(clone3: Answer, *, thread: bool) -> Probed:
    used = TABLE["clone3"].number
    bare = results("bare", Answer(value=0), thread=True, used=used)
    return Probed(
        answers={
            ("i", BARE): bare,
            ("i", DOCKER): results("c0", clone3, thread=thread, used=used),
        },
        bare={("i", "6.1"): bare},
        versions={"6.1": "6.1.0"},
    )


def cells(found: Probed, name: str) -> dict[Column, tuple[str, str]]:
    (row,) = (row for row in rows.rows("i", (BARE, DOCKER), found) if row.name == name)
    return {column: (cell.word, cell.tone) for column, cell in row.cells.items()}


def test_a_call_refused_with_the_wrong_error_is_bad_and_stops_threads() -> None:
    found = probed(Answer(error="EPERM"), thread=False)
    assert cells(found, "clone3") == {BARE: ("works", "good"), DOCKER: ("EPERM", "bad")}
    assert cells(found, "threads")[DOCKER] == ("fails", "bad")
    assert rows.failed(found.answers["i", DOCKER]) == (
        "its libc starts no thread: clone3 EPERM, no thread",
    )
    assert rows.failed(found.answers["i", BARE]) == ()


def test_a_call_refused_with_enosys_is_a_limit_that_libc_lives_with() -> None:
    found = probed(Answer(error="ENOSYS"), thread=True)
    assert cells(found, "clone3")[DOCKER] == ("ENOSYS", "limit")
    assert cells(found, "threads")[DOCKER] == ("works", "limit")
    assert rows.failed(found.answers["i", DOCKER]) == ()


def test_columns_are_kernels_alone_and_under_every_engine() -> None:
    asked = Asked(kernels=("host", "6.1"), engines=("docker", "podman"))
    assert [one.words for one in asked.columns] == [
        "host",
        "host docker",
        "host podman",
        "6.1",
        "6.1 docker",
        "6.1 podman",
    ]


def test_an_image_that_no_container_ran_does_not_run_there_on_any_kernel(tmp_path: Path) -> None:
    path = archive(tmp_path / "i.tar", [layer(member("data", b"x"))])
    image = opened(str(path), say=print, cache=tmp_path / "cache")
    asked = Asked(kernels=("6.1", "6.12"), engines=("docker", "podman"))
    found = Probed(failed={("i.tar", "podman"): "it was killed"})
    done = validate(Target(name="i.tar", image=image), asked=asked, probed=found)
    words = {verdict.column.words: verdict.word for verdict in done.verdicts}
    assert {name for name, word in words.items() if word == "does not run"} == {
        "6.1 podman",
        "6.12 podman",
    }
