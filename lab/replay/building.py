"""Commits really built, to see how often the prediction was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from lab.context import Context, Directory, Entry, File, Link
from lab.engines.protocol import BuildRequest, Engine
from lab.errors import BuildsFailed
from lab.events import Outcome
from lab.fold import Fold
from lab.replay.objects import FOLDER, SUBMODULE, Commit, Repository
from lab.replay.walk import Replay, parsed

TAG = "localhost/lab/replay:built"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One step of one commit: what was predicted and what came."""

    commit: str
    instruction: str
    predicted: Outcome | None
    real: Outcome | None

    @property
    def right(self) -> bool:
        """Whether the prediction came true."""
        return self.predicted is self.real


def context(repository: Repository, tree: str) -> Context:
    """A commit's files, as a checkout of it would be sent."""
    return Context(dict(_entries(repository, tree, "")))


def _entries(repository: Repository, tree: str, prefix: str) -> Iterator[tuple[str, Entry]]:
    for name, entry in repository.tree(tree).items():
        path = f"{prefix}{name}"
        if entry.mode == FOLDER:
            yield path, Directory()
            yield from _entries(repository, entry.id, f"{path}/")
        elif entry.mode == SUBMODULE:
            yield path, Directory()
        elif entry.mode == "120000":
            yield path, Link(repository.object(entry.id).decode(errors="surrogateescape"))
        else:
            mode = 0o755 if entry.mode == "100755" else 0o644
            yield path, File(repository.object(entry.id), mode)


def build(
    repository: Repository,
    engine: Engine,
    replaying: Replay,
    commits: Sequence[Commit],
    build_args: Mapping[str, str],
) -> Iterator[Compared]:
    """Build the commits one after another, the first cold. Raises BuildsFailed where one fails."""
    for number, commit in enumerate(commits):
        predicted = replaying.add(commit)
        if predicted is None:
            continue
        text = replaying.text(commit)
        dockerfile = parsed(text, replaying.path, build_args)
        files = context(repository, commit.tree).with_file(
            replaying.path, text.encode(errors="surrogateescape")
        )
        fold = Fold(dockerfile)
        with closing(replaying.sent(commit, files).archive()) as archive:
            request = BuildRequest(
                dockerfile=dockerfile,
                dockerfile_path=replaying.path,
                context=archive,
                tag=TAG,
                build_args=build_args,
                labels={"io.imagelab.replay": "1"},
                cold=number == 0,
            )
            for event in engine.build(request):
                fold.add(event)
        folded = fold.result()
        if folded.status != "ok":
            raise BuildsFailed(
                f"commit {commit.id[:12]} does not build: {folded.reason}",
                remedy="replay commits that build: choose fewer with --commits",
            )
        for step in folded.steps:
            if step.outcome is not None and step.index in predicted:
                yield Compared(
                    commit=commit.id,
                    instruction=step.instruction,
                    predicted=predicted[step.index],
                    real=step.outcome,
                )
