"""The results folder: append-only while a run goes on, whole after any crash.

A run is one folder (docs/schema.md): run.json is replaced by rename, a line of builds.jsonl is on
disk before `Writer.append` returns, and the raw streams are compressed as they come, so memory
does not grow with what an engine prints. Whoever writes holds a lock on builds.jsonl.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from lab.dockerfile.cachekey import CacheInputs
from lab.host.disk import disk, dump, write
from lab.model.errors import InputError
from lab.model.record import Build, Run, RunStatus
from lab.results.build_lines import BuildLines
from lab.results.draft import Draft, new_id
from lab.results.raw_stream import RawStream
from lab.results.runs import (
    BUILDS_FILE,
    RUN_FILE,
    StoredRun,
    events,
    events_path,
    find,
    load,
    read,
    runs,
)

__all__ = [
    "StoredRun",
    "Writer",
    "create",
    "events",
    "find",
    "load",
    "new_id",
    "resume",
    "runs",
    "write",
]


class Writer:
    """The one writer of a run's folder. Leaving it without `finish` leaves the run "partial".

    Every method raises DiskFull or StoreError; what was appended before stays intact.
    ``earlier`` are the builds that a resumed run already has, of which nothing is ``new``.
    """

    def __init__(
        self,
        folder: Path,
        run: Run,
        lines: BuildLines,
        earlier: tuple[Build, ...] = (),
        *,
        draft: Draft | None = None,
    ) -> None:
        self.new = draft is not None
        self._draft = draft
        self.folder = folder
        self.run = run
        self.earlier = earlier
        self._lines = lines
        self._events: RawStream | None = None
        self._kept: set[str] = set()
        self._built = {build.id: build for build in earlier}

    @property
    def empty(self) -> bool:
        """Whether no build of a new run has begun."""
        return self.new and self._events is None

    def begin(self, build_id: str) -> None:
        """The raw messages from here on belong to this build."""
        self._end_events()
        self._events = RawStream(events_path(self.folder, build_id))

    def raw(self, at: float, data: bytes) -> None:
        """Keep one message of the engine, JSON text, as it came ``at`` seconds into the build."""
        if self._events is None:
            raise RuntimeError("raw() before begin()")
        self._events.add(at, data)

    def append(
        self,
        build: Build,
        dockerfile_text: str | None = None,
        manifest: CacheInputs | None = None,
        *,
        held: bool = False,
    ) -> Build:
        """Put a build on disk; it is there when this returns. Gives the build as stored.

        A Dockerfile, and a manifest, is kept once for all builds that share it. ``held``: another
        host keeps the build as well until `sync`, which puts all of them on disk at once.
        """
        self._end_events()
        if manifest is not None:
            build = replace(build, manifest=self._keep_manifest(manifest))
        if dockerfile_text is not None:
            build = replace(build, dockerfile=self._keep(dockerfile_text))
        self._lines.append(dump(build.to_json()) + b"\n", held=held)
        self._built[build.id] = build
        self.new = False
        return build

    def sync(self) -> None:
        """What was held is on disk when this returns."""
        self._lines.sync()

    def discard(self) -> None:
        """Take the folder of a new run away, before its first build."""
        self.close()
        if self.folder.exists():
            with disk(self.folder):
                shutil.rmtree(self.folder)

    def keep_context(self, build_id: str, stream: BinaryIO) -> None:
        """Keep the tar that a failed build was sent, so that it can be built again by hand."""
        path = self.folder / "contexts" / f"{build_id}.tar"
        with disk(path):
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)

    @property
    def builds(self) -> tuple[Build, ...]:
        """All builds of the run, each as it was stored last."""
        return tuple(self._built.values())

    def amend(self, run: Run) -> None:
        """Write the run's head anew, such as with engines and bases once they are known."""
        self.run = run
        write(self.folder, RUN_FILE, dump(self.run.to_json(), indent=2) + b"\n")

    def finish(
        self,
        status: RunStatus,
        *,
        reason: str | None = None,
        broken: Iterable[str] = (),
        finished: str | None = None,
    ) -> StoredRun:
        """Say how the run ended, by default now, and give it as it is stored."""
        self._end_events()
        ended = replace(
            self.run,
            status=status,
            reason=reason,
            broken=tuple(broken),
            builds=len(self._built),
            finished=finished or datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self.amend(ended)
        self.publish()
        return StoredRun(run=self.run, builds=self.builds, folder=self.folder)

    def publish(self) -> None:
        """Give the folder its name: from now on it is a run. A second time does nothing."""
        draft, self._draft = self._draft, None
        if draft is not None:
            for name in draft.names(self.run.id):
                self.amend(replace(self.run, id=name))
                if draft.publish(name):
                    break
            self.folder = draft.folder
            self._lines.path = draft.folder / BUILDS_FILE

    def close(self) -> None:
        """Let go of the folder, and of its lock. Closing twice does nothing.

        What has no name by then is not kept.
        """
        try:
            self._end_events()
        finally:
            self._lines.close()
            draft, self._draft = self._draft, None
            if draft is not None:
                draft.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_events(self) -> None:
        events, self._events = self._events, None
        if events is not None:
            events.close()

    def _keep(self, text: str) -> str:
        data = text.encode(errors="surrogateescape")
        place = f"dockerfiles/{hashlib.sha256(data).hexdigest()[:16]}.Dockerfile"
        if place not in self._kept:
            write(self.folder, place, data)
            self._kept.add(place)
        return place

    def _keep_manifest(self, manifest: CacheInputs) -> str:
        data = dump(manifest.to_json())
        place = f"manifests/{hashlib.sha256(data).hexdigest()[:16]}.json.gz"
        if place not in self._kept:
            write(self.folder, place, gzip.compress(data, 3, mtime=0))
            self._kept.add(place)
        return place


def create(results: Path, run: Run, *, at_once: bool = False) -> Writer:
    """Open a new run's folder, before any slow work. Its status is "partial" until `finish`.

    Where the id is taken, a number is added: ``Writer.run.id`` is the one that holds. ``at_once``:
    there is no slow work, and until `finish` the folder is no run and has no name.
    """
    draft = Draft.begin(results)
    try:
        with disk(results):
            lines = BuildLines(draft.folder, os.O_CREAT | os.O_EXCL)
    except BaseException:
        draft.discard()
        raise
    writer = Writer(draft.folder, replace(run, status="partial"), lines, draft=draft)
    if not at_once:
        try:
            writer.publish()
        except BaseException:
            writer.close()
            raise
    return writer


def resume(folder: Path, *, more: bool = False) -> Writer:
    """Go on with a run that stopped, or with ``more`` rounds of one that is complete; a torn last
    line is dropped for good.

    Raises InputError where the run is complete and no more is asked, StoreError where another
    process writes it.
    """
    with disk(folder):
        lines = BuildLines(folder, os.O_CREAT)
    try:
        stored = read(folder)
        if not more:
            _refuse_complete(stored.run)
        lines.cut()
        writer = Writer(folder, stored.run, lines, stored.builds)
        writer.amend(replace(stored.run, status="partial", finished=None, reason=None))
    except BaseException:
        lines.close()
        raise
    return writer


def _refuse_complete(run: Run) -> None:
    if run.status == "complete":
        raise InputError(
            f"run {run.id} is complete: there is nothing to resume",
            remedy=f"lab report {run.id} makes its reports again",
        )
