"""What each commit of a history would run, predicted after those before it. Memory is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.caching.git.objects import FILES, FOLDER, Commit, Entry, Repository
from lab.caching.predict import CacheSimulator
from lab.caching.predict.cache_simulator import left_by, outcomes_of
from lab.caching.predict.fresh_engine import Outcomes, on_fresh
from lab.caching.replay.digests import Digests
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import Rules, StepFacts, of_files
from lab.dockerfile.cachekey.keys import Chain
from lab.dockerfile.context import Context
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.remote_cache import KEPT_FOR_EVER, WARM

IGNORE_FILES = 8  # whose digests are kept at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPrediction:
    """The chain of a commit's steps, and their outcomes by the instruction's index."""

    chain: Chain
    outcomes: Mapping[int, Outcome | None]


class CommitPredictor:
    """One Dockerfile by one engine's rules, and the cache that the commits so far have left.

    ``text`` None: the repository's own Dockerfile, as it was. ``ignore``: an ignore file for every
    commit, instead of its own. ``sends_git``: the context is the repository's root, so that a
    checkout's .git, which each commit changes, is sent where no ignore file keeps it back.
    ``strategy``, which may be set: each commit is built on a fresh engine, which restores by it
    what the commit before left.
    """

    def __init__(
        self,
        repository: Repository,
        rules: Rules,
        *,
        path: str = "Dockerfile",
        text: str | None = None,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
        ignore: str | None = None,
        sends_git: bool = False,
    ) -> None:
        self._repository = repository
        self._rules = rules
        self.path = path
        self._args = dict(build_args or {})
        self.target = target
        self._own_ignore = ignore
        self._sends_git = sends_git
        self.strategy = WARM
        self._always = {path, dockerignore.NAME}  # an archive holds them whatever is ignored
        self._cache = CacheSimulator()
        self._chains: dict[str, Chain] = {}
        self._digests: dict[str, Digests | None] = {}
        self._text = text
        self._fixed = None if text is None else self._chain(text)

    def predict(self, commit: Commit) -> CommitPrediction | None:
        """The next commit's prediction, None where it could not be built."""
        chain = self._fixed or self._of(commit)
        digests = None if chain is None else self._ignoring(commit)
        if chain is None or digests is None:
            return None

        sends_git = self._sends_git and not digests.excludes(".git")

        def files(step: StepFacts) -> str:
            found = digests.of(commit.tree, step, self._rules)
            whole = "." in (*step.sources, *(step.mounts if self._rules.mounts else ()))
            return found + commit.id if sends_git and whole else found

        keys = chain.keys(files)
        outcomes: Outcomes = outcomes_of(chain, keys, self._cache)
        if self.strategy != WARM:
            if self.strategy not in KEPT_FOR_EVER:
                self._cache = left_by(chain, keys)
            outcomes = on_fresh(chain.inputs, outcomes, self.strategy, self._rules)
        return CommitPrediction(chain=chain, outcomes=outcomes)

    def instructions(self, commit: Commit | None) -> tuple[str, ...] | None:
        """The instructions that can run, as records have them; None where a commit could not be
        built. A Dockerfile that is the same for all needs no commit.
        """
        if self._fixed is not None:
            chain: Chain | None = self._fixed
        elif commit is None:
            return ()
        else:
            chain = None if self._ignoring(commit) is None else self._of(commit)
        if chain is None:
            return None
        names = (link.name for link in chain.links)
        return tuple(dict.fromkeys(name for name in names if not name.startswith("FROM")))

    def text(self, commit: Commit) -> str:
        """The Dockerfile that the commit is built with."""
        entry = None if self._text is not None else self._repository.find(commit.tree, self.path)
        if entry is None:
            return self._text or ""
        return self._repository.object(entry.id).decode(errors="surrogateescape")

    def sent(self, commit: Commit, whole: Context) -> Context:
        """The context without what .dockerignore keeps back, as a client sends it."""
        digests = self._ignoring(commit)
        ignore = None if digests is None else digests.ignore
        return whole if ignore is None else whole.kept(ignore, self._always)

    def _of(self, commit: Commit) -> Chain | None:
        entry = self._repository.find(commit.tree, self.path)
        if entry is None or entry.mode == FOLDER:
            return None
        known = self._chains.get(entry.id)
        if known is None:
            text = self._repository.object(entry.id).decode(errors="surrogateescape")
            try:
                known = self._chain(text)
            except InputError:
                return None  # a commit that could not be built
            self._chains[entry.id] = known
        return known

    def _chain(self, text: str) -> Chain:
        found = parsed(text, self.path, self._args)
        try:
            inputs = of_files(found, {}, build_args=self._args, target=self.target)
        except DockerfileError as error:
            raise InputError(f"{self.path}: {error}", remedy="name a stage of it") from error
        return Chain(inputs, self._rules)

    def _ignoring(self, commit: Commit) -> Digests | None:
        """The digests under the commit's own .dockerignore; None where nobody can read it."""
        entry = None if self._own_ignore is not None else self._ignore_file(commit)
        name = "" if entry is None else entry.id
        if name not in self._digests:
            text = self._own_ignore
            if entry is not None:
                text = self._repository.object(entry.id).decode(errors="replace")
            if len(self._digests) > IGNORE_FILES:
                self._digests.clear()
            self._digests[name] = self._digested(text)
        return self._digests[name]

    def _ignore_file(self, commit: Commit) -> Entry | None:
        """A Dockerfile's own ignore file goes before the folder's, as in BuildKit."""
        paths = (f"{self.path}{dockerignore.NAME}", dockerignore.NAME)
        found = (self._repository.find(commit.tree, path) for path in paths)
        return next((one for one in found if one is not None and one.mode in FILES), None)

    def _digested(self, text: str | None) -> Digests | None:
        try:
            ignore = None if text is None else dockerignore.parse(text)
        except InputError:
            return None
        given = {self.path: self._text, dockerignore.NAME: self._own_ignore}
        return Digests(
            self._repository,
            ignore,
            seen=self._always if self._rules.ignores == "nothing" else (),
            given=[path for path, text in given.items() if text is not None],
        )


def parsed(text: str, path: str, build_args: Mapping[str, str]) -> Dockerfile:
    """A Dockerfile. Raises InputError with its place."""
    try:
        return parse(text, build_args)
    except DockerfileError as error:
        raise InputError(f"{path}: {error}", remedy="correct the Dockerfile") from error
