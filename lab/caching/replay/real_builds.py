"""Commits really built, to see how often the prediction was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.caching import git
from lab.caching.git.commit_files import EXECUTABLE, LINK, below
from lab.caching.git.objects import FOLDER, SUBMODULE, Commit, Repository
from lab.caching.replay.commit_predictor import CommitPredictor
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.entries import Directory, Entry, File, Link
from lab.engines.protocol import Engine
from lab.model.events import Outcome
from lab.runner.build import build_once

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
    return Context({path: _sent(repository, one) for path, one in below(repository, tree)})


def _sent(repository: Repository, entry: git.Entry) -> Entry:
    if entry.mode in {FOLDER, SUBMODULE}:
        return Directory()
    data = repository.object(entry.id)
    if entry.mode == LINK:
        return Link(data.decode(errors="surrogateescape"))
    return File(data, 0o755 if entry.mode == EXECUTABLE else 0o644)


def build(
    repository: Repository,
    engine: Engine,
    predictor: CommitPredictor,
    commits: Sequence[Commit],
    build_args: Mapping[str, str],
) -> Iterator[Compared]:
    """Build the commits one after another, the first cold. Raises BuildsFailed where one fails."""
    cold = True
    for commit in commits:
        predicted = predictor.predict(commit)
        if predicted is None:
            continue
        whole = context(repository, commit.tree)
        inputs = Inputs(
            dockerfile=predictor.text(commit),
            dockerfile_path=predictor.path,
            context=predictor.sent(commit, whole),
            build_args=build_args,
            target=predictor.target,
        )
        outcome = build_once(
            engine,
            inputs,
            tag=TAG,
            labels={"io.imagelab.replay": "1"},
            cold=cold,
            what=f"commit {commit.id[:12]}",
            remedy="replay commits that build: choose fewer with --commits",
        )
        cold = False
        for step in outcome.steps:
            if step.outcome is not None and step.index in predicted.outcomes:
                yield Compared(
                    commit=commit.id,
                    instruction=step.instruction,
                    predicted=predicted.outcomes[step.index],
                    real=step.outcome,
                )
