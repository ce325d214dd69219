"""`lab.advise`: rewrites of a Dockerfile that save rebuilds. Nothing is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.caching.advise import Advice, offer, over_edits, over_history, usual_edits
from lab.caching.advise.findings import findings
from lab.caching.advise.pricing import Pricing
from lab.caching.advise.render import claimed, lines
from lab.caching.predict.inputs import read
from lab.caching.replay import Repository
from lab.caching.replay.commit_predictor import parsed
from lab.dockerfile.cachekey import Rules, client_rules
from lab.dockerfile.edits import Inputs
from lab.engines.named import one_engine
from lab.host import repository_paths
from lab.model.finding import Finding
from lab.report import markdown_findings

if TYPE_CHECKING:
    from lab.caching.advise.proof import Proof  # it brings the statistics with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A Dockerfile, and what weighs its rewrites: edits, or the last ``commits`` of a history.

    ``costs`` are the seconds of instructions, of a run or as they were given.
    """

    dockerfile: Path
    folder: Path
    given: Inputs
    engine: str
    version: str
    edits: tuple[str, ...]
    costs: Mapping[str, float]
    repo: Path | None = None
    commits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """The rewrites of a Dockerfile that save rebuilds, the best first.

    ``hidden`` would too, but could change what the image holds. ``proofs`` are what builds showed
    of each rewrite, None where nothing was built. ``left``: why steps are left where they stand.
    """

    question: Question
    rewrites: tuple[Advice, ...]
    hidden: tuple[Advice, ...]
    proofs: tuple[Proof | None, ...]
    left: tuple[str, ...] = ()

    @property
    def over(self) -> str:
        """What gains are predicted over: edits, or commits."""
        return "edits" if self.question.repo is None else "commits"

    @property
    def place(self) -> str:
        """The Dockerfile's path in its repository."""
        return repository_paths.shown(self.question.dockerfile)

    @property
    def claimed(self) -> tuple[Advice, ...]:
        """The rewrites without those whose gain builds denied."""
        pairs = zip(self.rewrites, self.proofs, strict=True)
        return tuple(one for one, proof in pairs if proof is None or claimed(one, proof))

    def findings(self) -> list[Finding]:
        """What is claimed, at lines of the repository's files, for CI systems."""
        return list(findings(self.question.given, self.claimed, self._place, self.over))

    def _place(self, path: str) -> str:
        own = path == self.question.given.dockerfile_path
        return self.place if own else repository_paths.shown(self.question.folder / path)

    def __str__(self) -> str:
        return "\n".join(
            lines(self.rewrites, self.proofs, self.hidden, self.over, self.left)
        ).rstrip()

    def _repr_markdown_(self) -> str:
        return markdown_findings.advice(self.place, self.claimed, self.over)


def advise(
    dockerfile: Path | str,
    *,
    context: Path | str | None = None,
    edits: Sequence[str] = (),
    engine: str = "docker",
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    repo: Path | str | None = None,
    altering: bool = False,
) -> Advised:
    """Rewrites of a Dockerfile that save rebuilds, as `lab advise` finds them.

    ``edits`` are those of `lab predict --edit`; where none are named, the files that git's history
    changes, else each. ``engine`` is NAME or NAME@VERSION. ``repo``: weigh by that git
    history instead. Raises `lab.LabError`.
    """
    found = question(
        Path(dockerfile),
        None if context is None else Path(context),
        edits=edits,
        engines=[engine],
        build_args=build_args or {},
        target=target,
        repo=None if repo is None else Path(repo),
    )
    return answer(found, client_rules(found.engine, found.version), altering=altering)


def question(
    dockerfile: Path,
    context: Path | None,
    *,
    edits: Sequence[str],
    engines: Sequence[str],
    build_args: Mapping[str, str],
    target: str | None,
    repo: Path | None = None,
    commits: int | None = None,
) -> Question:
    """Read what advice is asked of. Raises InputError where it is no Dockerfile."""
    given = read(dockerfile, context, build_args, target)
    parsed(given.dockerfile, str(dockerfile), build_args)
    name, version = one_engine(engines)
    folder = context or dockerfile.parent
    return Question(
        dockerfile=dockerfile,
        folder=folder,
        given=given,
        engine=name,
        version=version,
        edits=tuple(edits or usual_edits(given, folder)),
        costs={},
        repo=repo,
        commits=commits,
    )


def answer(asked: Question, rules: Rules, *, altering: bool = False) -> Advised:
    """Every rewrite that could be predicted to gain by these rules."""
    with ExitStack() as stack:
        pricing = _pricing(asked, rules, stack)
        found = offer(
            asked.given, pricing, engine=asked.engine, version=asked.version, altering=altering
        )
    return Advised(
        question=asked,
        rewrites=found.shown,
        hidden=found.hidden,
        left=found.left,
        proofs=(None,) * len(found.shown),
    )


def _pricing(asked: Question, rules: Rules, stack: ExitStack) -> Pricing:
    """What weighs the rewrites: the history where one is named, else edits."""
    if asked.repo is None:
        return over_edits(asked.given, asked.edits, rules, asked.costs)
    repository = Repository(asked.repo)
    stack.callback(repository.close)
    commits = list(repository.commits(asked.commits))
    return over_history(repository, commits, rules, asked.costs, asked.given)
