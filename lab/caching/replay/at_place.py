"""The last commits of a Dockerfile's own repository, each predicted after the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from lab.caching.git.objects import Commit, Repository
from lab.caching.git.place import Place
from lab.caching.replay.commit_predictor import CommitPrediction, CommitPredictor
from lab.dockerfile.cachekey import Rules
from lab.model.remote_cache import WARM


def predictions(
    place: Place,
    text: str,
    rules: Rules,
    *,
    commits: int,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    strategy: str = WARM,
) -> Iterator[tuple[Commit, CommitPrediction | None]]:
    """With this Dockerfile, oldest first. The one before the last ``commits`` fills the cache.

    None: the commit has not the context's folder, or an ignore file that cannot be read.
    """
    with closing(Repository(place.folder)) as repository:
        predictor = CommitPredictor(
            repository,
            rules,
            path=place.path,
            text=text,
            build_args=build_args,
            target=target,
            sends_git=not place.inside,
        )
        predictor.strategy = strategy
        filled = False
        for commit in repository.commits(commits + 1):
            below = repository.below(commit, place.inside)
            predicted = None if below is None else predictor.predict(below)
            if filled:
                yield commit, predicted
            filled = filled or predicted is not None
