"""A project in whose folder the results lie, and one that somebody works on while it is built."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import tarfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lab.dockerfile import kept_context
from lab.dockerfile.context import Context
from lab.dockerfile.kept_context import KeptFolder, kept
from lab.engines.protocol import BuildRequest
from lab.engines.simulated import SimulatedEngine
from lab.host import own_folders
from lab.model.events import Event
from lab.model.record import Build
from lab.report import compose
from lab.results import runs
from lab.runner import runner, session
from lab.scenario import loader, plan

TEXT = """\
name: own
engines: [simulated]
workload: {context: ., dockerfile: Dockerfile}
phases: [cold, rebuild]
rounds: 2
"""


class Meddler:
    """Works on the project while it is built: ``change`` is called before each build."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def begin(self, trials: Sequence[plan.Trial], folder: Path) -> None:
        """Nothing."""

    def see(self, event: runner.RunEvent) -> None:
        """Save the file anew whenever a build has ended."""
        if self.folder is not None and isinstance(event, runner.BuildFinished):
            (self.folder / "main.go").write_text(event.build.id)

    def open(self, comparisons: Sequence[str]) -> None:
        """Nothing."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY main.go /\nCOPY . .\n")
    (folder / "main.go").write_text("package main\n")
    (folder / "lab.yaml").write_text(TEXT)
    monkeypatch.chdir(folder)
    return folder


def run(
    project: Path, results: Path, watcher: Meddler, said: list[str] | None = None
) -> runs.StoredRun:
    told = [] if said is None else said
    return session.run(
        loader.load(project / "lab.yaml"),
        session.Options(results=results),
        say=told.append,
        watcher=watcher,
    )


def hits(builds: Sequence[Build]) -> list[tuple[int, int]]:
    return [(b.cache.hits, b.cache.misses) for b in builds if b.cache and b.phase == "rebuild"]


@contextmanager
def opened(*folders: Path) -> Iterator[Counter[str]]:
    """How often each file of the folders was opened meanwhile, as the kernel tells it."""
    kernel, one_opened, nobody_looks = ctypes.CDLL(None, use_errno=True), 0x20, 0x4000_0000
    found: Counter[str] = Counter()
    told = kernel.inotify_init1(os.O_NONBLOCK)
    assert told >= 0, os.strerror(ctypes.get_errno())
    try:
        for folder in folders:
            assert kernel.inotify_add_watch(told, os.fsencode(folder), one_opened) > 0
        yield found
        data = os.read(told, 1 << 20)
        while data:
            _, mask, _, length = struct.unpack_from("iIII", data)
            name, data = data[16 : 16 + length].rstrip(b"\0"), data[16 + length :]
            if not mask & nobody_looks:
                found[os.fsdecode(name)] += 1
    finally:
        os.close(told)


def test_a_context_is_read_once_however_many_builds_are_made_of_it(project: Path) -> None:
    (project / "below").mkdir()
    (project / "below" / "help.go").write_text("package below\n")
    with opened(project, project / "below") as counted:
        stored = run(project, project / "results", Meddler())
    assert len(stored.builds) == 4
    assert (counted["main.go"], counted["help.go"]) == (1, 1)


def test_one_state_of_a_file_is_sent_to_every_build(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def build(self: SimulatedEngine, asked: BuildRequest) -> Generator[Event, None, None]:
        with asked.context.open() as stream, tarfile.open(fileobj=stream, mode="r|") as members:
            sent.extend(members.extractfile(one).read() for one in members if one.name == "main.go")
        return theirs(self, asked)

    theirs = SimulatedEngine.build
    monkeypatch.setattr(SimulatedEngine, "build", build)
    run(project, project / "results", Meddler(project))
    assert (project / "main.go").read_text() != "package main\n", "somebody worked on it"
    assert sent == [b"package main\n"] * 4


@pytest.mark.parametrize("results", ["results", ".", "out/deep/results", "../elsewhere"])
def test_the_labs_own_files_are_no_part_of_what_it_measures(project: Path, results: str) -> None:
    first = run(project, project / results, Meddler())
    assert hits(first.builds) == [(2, 0), (2, 0)]
    second = run(project, project / results, Meddler())
    sizes = {build.context_bytes for build in (*first.builds, *second.builds)}
    assert len(sizes) == 1, "what the first run left does not make the second one's context larger"
    assert second.run.warnings == ()


def test_a_folder_with_something_of_the_users_in_it_stays(project: Path) -> None:
    results = project / "results"
    run(project, results, Meddler())
    assert not [one for one in Context.from_folder(project).entries if one.startswith("results")]
    (results / "mine.go").write_text("package results\n")
    (results / "compared").mkdir()
    own_folders.mark(results / "compared")
    entries = Context.from_folder(project).entries
    assert [one for one in entries if one.startswith("results")] == ["results", "results/mine.go"]
    (project / "empty").mkdir()
    assert "empty" in Context.from_folder(project).entries


def test_the_labs_cache_is_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(project / "cache"))
    (project / "cache").mkdir()
    (project / "cache" / "base.tar").write_text("x")
    assert not [one for one in Context.from_folder(project).entries if one.startswith("cache")]


def test_what_somebody_changes_meanwhile_is_said_and_changes_nothing(project: Path) -> None:
    said: list[str] = []
    stored = run(project, project / "results", Meddler(project), said)
    assert hits(stored.builds) == [(2, 0), (2, 0)]
    assert len({build.manifest for build in stored.builds}) == 1
    assert "(main.go changed)" in stored.run.warnings[0]
    assert any(text.startswith("warning: the context") for text in said)
    notes = compose.from_run(stored).model.footnotes
    assert [text for text in notes if "main.go changed" in text]
    again = runs.read(stored.folder)
    assert again.run.warnings == stored.run.warnings


def test_a_run_that_goes_on_with_other_files_says_so(project: Path) -> None:
    results = project / "results"
    stored = run(project, results, Meddler())
    assert not stored.run.warnings
    (project / "main.go").write_text("package other\n")
    (project / "new.go").write_text("package other\n")
    options = session.Options(results=results)
    more = session.run(
        replace(loader.load(project / "lab.yaml"), rounds=3),
        options,
        say=lambda _: None,
        watcher=Meddler(),
        resumed=stored,
        more=True,
    )
    (warning,) = more.run.warnings
    assert "main.go changed, new.go is new" in warning
    assert stored.builds[-1].id in warning


def test_an_image_that_stands_in_the_dockerfile_is_no_other_file(project: Path) -> None:
    """What is sent names the stand-in, what lies on disk the image itself."""
    (project / "Dockerfile").write_text("FROM debian:12\nCOPY main.go /\n")
    own = "dockerfile: Dockerfile"
    (project / "lab.yaml").write_text(
        TEXT.replace(own, f'{own}, images: {{"debian:12": bookworm}}')
    )
    stored = run(project, project / "results", Meddler())
    assert stored.builds[0].status == "ok", stored.builds[0].reason
    scenario = replace(loader.load(project / "lab.yaml"), rounds=3)
    more = session.run(
        scenario,
        session.Options(results=project / "results"),
        say=lambda _: None,
        watcher=Meddler(),
        resumed=stored,
        more=True,
    )
    assert (len(more.builds), more.run.warnings) == (6, ())


def test_large_files_are_kept_aside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_context, "IN_MEMORY", 10)
    data = os.urandom(3 << 20)
    (project / "large.bin").write_bytes(data)
    (project / "other.bin").write_bytes(data[::-1])
    found = Context.from_folder(project)
    with found.archive().open() as one, kept(found) as context:
        for path in ("large.bin", "other.bin"):
            (project / path).write_bytes(b"another")
        assert context.read("large.bin") == data
        assert context.read("other.bin") == data[::-1]
        with context.archive().open() as other:
            assert one.read() == other.read()


def test_changes_are_named_once(project: Path) -> None:
    with KeptFolder.open(project, "Dockerfile") as folder:
        assert folder.changes() == ""
        (project / "a").write_text("new")
        (project / "main.go").unlink()
        assert folder.changes() == "a is new, main.go is gone"
        assert folder.changes() == ""
        (project / "a").chmod(0o755)
        assert folder.changes() == "a changed"
        for number in range(9):
            (project / f"b{number}").write_text("new")
        assert folder.changes().endswith("b4 is new and 4 more")


def test_a_head_without_warnings_is_read(project: Path) -> None:
    stored = run(project, project / "results", Meddler())
    path = stored.folder / "run.json"
    head = json.loads(path.read_text())
    del head["warnings"]
    path.write_text(json.dumps(head))
    assert runs.read(stored.folder).run.warnings == ()
