"""What changes cost under a Dockerfile, predicted over a history or over a set of edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.caching.predict import edit_arguments
from lab.caching.predict.one_edit import Built
from lab.caching.replay import Commit, CommitPredictor, Replay, Repository, replay
from lab.dockerfile.cachekey import Rules
from lab.dockerfile.cachekey.file_facts import remembered
from lab.dockerfile.cachekey.keys import Chain
from lab.dockerfile.dockerignore import parse as parse_ignore
from lab.dockerfile.edits import Inputs
from lab.model.events import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a set of changes costs: RUNs that run, and the seconds of those that were measured.

    A rewrite may write a COPY otherwise, and nobody has measured that one: so only RUNs, which it
    keeps, are priced, whatever flags it gives them.

    ``each`` is the cost of each edit alone; of a history it is empty.
    """

    runs: int
    steps: int
    seconds: float
    cases: int
    each: tuple[Cost, ...] = ()

    def below(self, other: Cost) -> bool:
        """Whether this is less: by seconds where priced, then by RUNs, then by the rest."""
        one, two = ((cost.seconds, cost.runs, cost.steps) for cost in (self, other))
        return one < two


Pricing = Callable[[str, str | None], Cost]


def over_edits(
    given: Inputs, texts: Sequence[str], rules: Rules, seconds: Mapping[str, float]
) -> Pricing:
    """The cost of edits, each made alone after a build without it."""
    costs = {bare(text): cost for text, cost in seconds.items() if text.startswith("RUN ")}
    known = remembered(given.context)

    def pricing(dockerfile: str, ignore: str | None) -> Cost:
        inputs = replace(given, dockerfile=dockerfile)
        carried = [edit_arguments.carried(text, given.dockerfile, dockerfile) for text in texts]
        built = Built(inputs, rules, known, lambda given: ignoring(given, ignore))
        edits = [edit_arguments.apply(text, inputs) for text in carried]
        return _sum([_priced(*built.after(edited), costs) for edited in edits])

    return pricing


def over_history(
    repository: Repository,
    commits: Sequence[Commit],
    rules: Rules,
    seconds: Mapping[str, float],
    given: Inputs,
) -> Pricing:
    """The cost of a history's commits, one after another."""
    costs = {bare(text): cost for text, cost in seconds.items() if text.startswith("RUN ")}

    def pricing(dockerfile: str, ignore: str | None) -> Cost:
        predictor = CommitPredictor(
            repository,
            rules,
            text=dockerfile,
            build_args=given.build_args,
            target=given.target,
            ignore=ignore,
        )
        (total,) = replay([Replay(predictor=predictor)], commits)
        steps = total.steps
        return Cost(
            runs=sum(step.misses for name, step in steps.items() if name.startswith("RUN")),
            steps=sum(step.misses for step in steps.values()),
            seconds=sum(step.misses * costs.get(bare(name), 0.0) for name, step in steps.items()),
            cases=total.commits,
        )

    return pricing


def ignoring(given: Inputs, ignore: str | None) -> Inputs:
    """What is sent under a rewrite's .dockerignore; None: under the one that there is."""
    if ignore is None:
        return given
    kept = given.context.kept(parse_ignore(ignore), {given.dockerfile_path, ".dockerignore"})
    return replace(given, context=kept.with_file(".dockerignore", ignore.encode()))


def _priced(
    chain: Chain, outcomes: Mapping[int, Outcome | None], costs: Mapping[str, float]
) -> Cost:
    """What a build costs, all its steps' outcomes known."""
    ran = [link for link in chain.links if outcomes.get(link.step.index) is Outcome.MISS]
    return Cost(
        runs=sum(link.step.keyword == "RUN" for link in ran),
        steps=len(ran),
        seconds=sum(costs.get(bare(link.name), 0.0) for link in ran),
        cases=1,
    )


def bare(text: str) -> str:
    """An instruction without its flags."""
    return re.sub(r"^(\S+)(?:\s+--\S+)+", r"\1", text)


def _sum(each: Sequence[Cost]) -> Cost:
    return Cost(
        runs=sum(one.runs for one in each),
        steps=sum(one.steps for one in each),
        seconds=sum(one.seconds for one in each),
        cases=len(each),
        each=tuple(each),
    )
