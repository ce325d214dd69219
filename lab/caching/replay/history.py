"""A history replayed: each commit's steps predicted, priced, and added up. Memory is bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.caching.predict import CacheSimulator
from lab.caching.predict.cache_simulator import outcomes_of
from lab.caching.replay.digests import Digests
from lab.caching.replay.git_objects import FILES, FOLDER, Commit, Repository
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import Rules, StepFacts, of_files
from lab.dockerfile.cachekey.keys import Chain
from lab.dockerfile.context import Context
from lab.dockerfile.parser import Dockerfile, DockerfileError, parse
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.record import HIT_RATE_KEYWORDS

WEEK = 7 * 24 * 3600


@dataclass(slots=True)
class Total:
    """One instruction over the history. ``seconds`` is None where nobody measured it."""

    hits: int = 0
    misses: int = 0
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Replayed:
    """One Dockerfile over a history. ``passed`` counts commits that could not be built."""

    name: str
    commits: int = 0
    passed: int = 0
    first: int | None = None
    last: int | None = None
    steps: dict[str, Total] = field(default_factory=dict)

    @property
    def hit_rate(self) -> float | None:
        """Over RUN, COPY and ADD, as everywhere in the lab."""
        counted = [
            one for text, one in self.steps.items() if text.split(None, 1)[0] in HIT_RATE_KEYWORDS
        ]
        hits, misses = sum(one.hits for one in counted), sum(one.misses for one in counted)
        return hits / (hits + misses) if hits + misses else None

    @property
    def seconds(self) -> float:
        """What all commits cost, as far as steps have a price."""
        return sum(one.seconds or 0.0 for one in self.steps.values())

    @property
    def per_week(self) -> float | None:
        """Seconds a week; None for a history of less than a day."""
        if self.first is None or self.last is None or self.last - self.first < 24 * 3600:
            return None
        return self.seconds / ((self.last - self.first) / WEEK)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Steps that ran and that nobody measured."""
        return tuple(text for text, one in self.steps.items() if one.misses and one.seconds is None)


class Replay:
    """One Dockerfile by one engine's rules. ``text`` None: the repository's own, as it was."""

    def __init__(
        self,
        repository: Repository,
        rules: Rules,
        prices: Mapping[str, float],
        *,
        path: str = "Dockerfile",
        text: str | None = None,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
        ignore: str | None = None,
    ) -> None:
        self._repository = repository
        self._rules = rules
        self._prices = prices
        self.path = path
        self._args = dict(build_args or {})
        self.target = target
        self._own_ignore = ignore
        self._always = {path, dockerignore.NAME}  # an archive holds them whatever is ignored
        self._memory = CacheSimulator()
        self._chains: dict[str, Chain] = {}
        self._digests: dict[str, Digests | None] = {}
        self._text = text
        self._fixed = None if text is None else self._chain(text)
        self.total = Replayed(name=path)

    def add(self, commit: Commit) -> Mapping[int, Outcome | None] | None:
        """Take the next commit: its steps' outcomes, None where it could not be built."""
        chain = self._fixed or self._of(commit)
        digests = None if chain is None else self._ignoring(commit)
        if chain is None or digests is None:
            self.total.passed += 1
            return None
        mounts = self._rules.mounts

        def files(step: StepFacts) -> str:
            return digests.of(commit.tree, step, mounts=mounts)

        outcomes = outcomes_of(chain, chain.keys(files), self._memory)
        self._count(commit, chain, outcomes)
        return outcomes

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

    @property
    def instructions(self) -> tuple[str, ...]:
        """The instructions that can run, as records have them."""
        chains = [self._fixed] if self._fixed else list(self._chains.values())
        names = [link.name for chain in chains for link in chain.links]
        return tuple(dict.fromkeys(name for name in names if not name.startswith("FROM")))

    def again(self) -> Replay:
        """The same with nothing in its cache and nothing counted."""
        one = Replay(
            self._repository,
            self._rules,
            self._prices,
            path=self.path,
            text=self._text,
            build_args=self._args,
            target=self.target,
            ignore=self._own_ignore,
        )
        one.total.name = self.total.name
        return one

    def price(self, prices: Mapping[str, float]) -> None:
        """Seconds of instructions; for commits that are still to come."""
        self._prices = {**self._prices, **prices}

    def _count(self, commit: Commit, chain: Chain, outcomes: Mapping[int, Outcome | None]) -> None:
        total = self.total
        total.commits += 1
        total.first = commit.at if total.first is None else min(total.first, commit.at)
        total.last = commit.at if total.last is None else max(total.last, commit.at)
        for link in chain.links:
            outcome = outcomes.get(link.step.index)
            if outcome is None:
                continue
            text = link.name
            one = total.steps.get(text)
            if one is None:
                one = total.steps[text] = Total()
            if outcome is Outcome.HIT:
                one.hits += 1
                continue
            one.misses += 1
            price = self._prices.get(text)
            if price is not None:
                one.seconds = (one.seconds or 0.0) + price

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
            manifest = of_files(found, {}, build_args=self._args, target=self.target)
        except DockerfileError as error:
            raise InputError(f"{self.path}: {error}", remedy="name a stage of it") from error
        return Chain(manifest, self._rules)

    def _ignoring(self, commit: Commit) -> Digests | None:
        """The digests under the commit's own .dockerignore; None where nobody can read it."""
        # a Dockerfile's own ignore file goes before the folder's, as in BuildKit
        paths = (f"{self.path}{dockerignore.NAME}", dockerignore.NAME)
        found = (self._repository.find(commit.tree, path) for path in paths)
        entry = next((one for one in found if one is not None and one.mode in FILES), None)
        name = "" if entry is None else entry.id
        if self._own_ignore is not None:
            name = "given"
        if name not in self._digests:
            text = self._own_ignore
            if text is None and entry is not None:
                text = self._repository.object(entry.id).decode(errors="replace")
            if len(self._digests) > 8:
                self._digests.clear()
            self._digests[name] = self._digested(text)
        return self._digests[name]

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
        raise InputError(f"{path}: {error}", remedy="mend the Dockerfile") from error


def replay(replays: Iterable[Replay], commits: Iterable[Commit]) -> None:
    """Take every commit through every replay, side by side."""
    several = list(replays)
    for commit in commits:
        for one in several:
            one.add(commit)
