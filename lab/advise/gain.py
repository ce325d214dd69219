"""What a rewrite would save, predicted over a history or over a set of edits. Nothing is built."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.advise.rewrite import Rewrite
from lab.advise.rewrites import rewrites
from lab.dockerfile import lines_of
from lab.dockerignore import parse as parse_ignore
from lab.edits import Inputs
from lab.events import Outcome
from lab.manifest import Rules, keys
from lab.manifest.keys import Chain, Key
from lab.manifest.making import Facts, remembered
from lab.predict import Memory, edits
from lab.predict.memory import outcomes_of
from lab.predict.whatif import manifest
from lab.replay import Commit, Replay, Repository, replay

MOST = 8  # rewrites one after another


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a set of changes costs: RUNs that run, and the seconds of those that have a price.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A rewrite and its predicted gain."""

    rewrite: Rewrite
    before: Cost
    after: Cost
    patch: str

    @property
    def gains(self) -> bool:
        """Whether the rewrite is predicted to cost less; of some only builds can tell."""
        return not self.rewrite.measured and self.after.below(self.before)

    def saves(self, texts: Sequence[str]) -> list[str]:
        """Of the edits that were weighed, those that the rewrite makes cheaper."""
        costs = zip(texts, self.before.each, self.after.each, strict=True)
        return [text for text, old, new in costs if new.below(old)]


Pricing = Callable[[str, str | None], Cost]


def advise(given: Inputs, pricing: Pricing, *, engine: str = "docker") -> list[Advice]:
    """Every rewrite with a predicted gain, the best first; an empty list: nothing to gain.

    None of them changes what the image holds.
    """
    return gaining(weighed(given, pricing, engine=engine))


def gaining(found: Sequence[Advice], *, altering: bool = False) -> list[Advice]:
    """Those with a predicted gain; ``altering``: those that could change what the image holds."""
    chosen = [one for one in found if one.gains and bool(one.rewrite.alters) is altering]
    return sorted(chosen, key=lambda one: (one.after.seconds, one.after.runs, one.after.steps))


def unpredicted(found: Sequence[Advice]) -> list[Advice]:
    """Rewrites that keep the image as it is, and whose gain, if any, only builds can show."""
    return [
        one for one in found if one.rewrite.measured and not one.rewrite.alters and one.before.runs
    ]


def weighed(
    given: Inputs,
    pricing: Pricing,
    *,
    engine: str = "docker",
    builds: Callable[[str], bool] = lambda _: True,
) -> list[Advice]:
    """Every rewrite for an engine with both costs. ``builds``: whether it can build such a text."""
    before = pricing(given.dockerfile, None)
    return [
        Advice(
            rewrite=one,
            before=before,
            after=pricing(one.dockerfile, one.ignore),
            patch=patch(given, one),
        )
        for one in rewrites(given)
        if (not one.engines or engine in one.engines) and builds(one.dockerfile)
    ]


def together(
    given: Inputs,
    found: Sequence[Advice],
    pricing: Pricing,
    *,
    engine: str = "docker",
    builds: Callable[[str], bool] = lambda _: True,
) -> Advice | None:
    """One rewrite after another, the best of each turn, as long as they gain: all as one patch.

    ``found`` is what `weighed` says of the file as it is. None where a single one is all there is.
    """
    taken: list[Rewrite] = []
    now = given
    ignore = None
    while len(taken) < MOST and (best := next(iter(gaining(found)), None)):
        taken.append(best.rewrite)
        ignore = ignore if best.rewrite.ignore is None else best.rewrite.ignore
        now = ignoring(replace(now, dockerfile=best.rewrite.dockerfile), best.rewrite.ignore)
        found = weighed(now, _under(pricing, ignore), engine=engine, builds=builds)
    if len(taken) < 2:
        return None
    whole = Rewrite(
        kind="all together",
        why=", then ".join(one.kind for one in taken),
        dockerfile=now.dockerfile,
        ignore=ignore,
        heed="; ".join(dict.fromkeys(one.heed for one in taken if one.heed)),
    )
    return Advice(
        rewrite=whole,
        before=pricing(given.dockerfile, None),
        after=pricing(whole.dockerfile, ignore),
        patch=patch(given, whole),
    )


def _under(pricing: Pricing, ignore: str | None) -> Pricing:
    """The same under a .dockerignore, where a rewrite brings none of its own."""
    return lambda dockerfile, own: pricing(dockerfile, ignore if own is None else own)


def patch(given: Inputs, one: Rewrite) -> str:
    """The rewrite as a unified diff, for `patch -p1` or `git apply`."""
    entry = given.context.entries.get(".dockerignore")
    ignore = "" if entry is None else given.context.read(".dockerignore").decode(errors="replace")
    files = [(given.dockerfile_path, given.dockerfile, one.dockerfile)]
    if one.ignore is not None:
        files.append((".dockerignore", ignore, one.ignore))
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for name, old, new in files
        for line in difflib.unified_diff(
            lines_of(old),
            lines_of(new),
            f"a/{name}" if old else "/dev/null",  # git's way to say that the file is new
            f"b/{name}",
        )
    )


def over_edits(
    given: Inputs, texts: Sequence[str], rules: Rules, prices: Mapping[str, float]
) -> Pricing:
    """The cost of edits, each made alone after a build without it."""
    costs = {bare(text): price for text, price in prices.items() if text.startswith("RUN ")}
    known = remembered(given.context)

    def pricing(dockerfile: str, ignore: str | None) -> Cost:
        inputs = replace(given, dockerfile=dockerfile)
        carried = [edits.carried(text, given.dockerfile, dockerfile) for text in texts]
        before = manifest(ignoring(inputs, ignore), known=known)
        built = Chain(before, rules), keys(before, rules)
        return _sum([_priced(text, inputs, ignore, built, costs, known) for text in carried])

    return pricing


def over_history(
    repository: Repository,
    commits: Sequence[Commit],
    rules: Rules,
    prices: Mapping[str, float],
    given: Inputs,
) -> Pricing:
    """The cost of a history's commits, one after another."""
    costs = {bare(text): price for text, price in prices.items() if text.startswith("RUN ")}

    def pricing(dockerfile: str, ignore: str | None) -> Cost:
        one = Replay(
            repository,
            rules,
            {},
            text=dockerfile,
            build_args=given.build_args,
            target=given.target,
            ignore=ignore,
        )
        replay([one], commits)
        steps = one.total.steps
        return Cost(
            runs=sum(total.misses for name, total in steps.items() if name.startswith("RUN")),
            steps=sum(total.misses for total in steps.values()),
            seconds=sum(total.misses * costs.get(bare(name), 0.0) for name, total in steps.items()),
            cases=one.total.commits,
        )

    return pricing


def ignoring(given: Inputs, ignore: str | None) -> Inputs:
    """What is sent under a rewrite's .dockerignore; None: under the one that there is."""
    if ignore is None:
        return given
    kept = given.context.kept(parse_ignore(ignore), {given.dockerfile_path, ".dockerignore"})
    return replace(given, context=kept.with_file(".dockerignore", ignore.encode()))


def _priced(
    text: str,
    inputs: Inputs,
    ignore: str | None,
    built: tuple[Chain, Mapping[int, Key]],
    costs: Mapping[str, float],
    known: Facts,
) -> Cost:
    """One edit's cost, after a build without it."""
    edited = edits.apply(text, inputs)
    after = manifest(ignoring(edited.inputs, ignore), moved=edited.moved, known=known)
    memory = Memory()
    outcomes_of(*built, memory)
    rules = built[0].rules
    chain = Chain(after, rules)
    outcomes = outcomes_of(chain, keys(after, rules), memory)
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
