"""What a rewrite would save, as a pricing predicts it. Nothing is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.fetching import left_below
from lab.caching.advise.pricing import Cost, Pricing, ignoring, over_edits
from lab.caching.advise.rewrite import ALL_TOGETHER, Rewrite
from lab.caching.advise.rewrites import rewrites
from lab.dockerfile.cachekey import Rules
from lab.dockerfile.cachekey.builder import ignored
from lab.dockerfile.edits import Inputs
from lab.dockerfile.parser import lines_of, parse
from lab.engines import features
from lab.model.engine_name import family

MOST = 8  # rewrites one after another


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


def advise(given: Inputs, pricing: Pricing, *, engine: str = "docker") -> list[Advice]:
    """Every rewrite with a predicted gain, the best first; an empty list: nothing to gain.

    None of them changes what the image holds.
    """
    return gaining(weighed(given, pricing, engine=engine))


def gaining(found: Sequence[Advice], *, altering: bool = False) -> list[Advice]:
    """Those with a predicted gain; ``altering``: those that could change what the image holds."""
    chosen = [one for one in found if one.gains and bool(one.rewrite.alters) is altering]
    return sorted(chosen, key=lambda one: (one.after.seconds, one.after.runs, one.after.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is advised, the best first; ``hidden`` would save steps, but could alter the image.

    ``left`` says of steps that cost much why they are left where they stand.
    """

    shown: tuple[Advice, ...]
    hidden: tuple[Advice, ...]
    left: tuple[str, ...] = ()


def offer(
    given: Inputs, pricing: Pricing, *, engine: str, version: str = "", altering: bool = False
) -> Offer:
    """Every rewrite that an engine can build as it builds the file now, and all of them together.

    ``altering``: those that could change what the image holds are shown too.
    """

    def lacks(text: str) -> set[str]:
        found = features.lacks(engine, version, parse(text))
        return {why.partition(": ")[2] for why in found}  # without the line, which moves

    def builds(text: str) -> bool:
        return lacks(text) <= lacks(given.dockerfile)

    found = weighed(given, pricing, engine=engine, builds=builds)
    whole = together(given, found, pricing, engine=engine, builds=builds)
    best, hidden = gaining(found), gaining(found, altering=True)
    first = [] if whole is None else [whole]
    return Offer(
        shown=(*first, *best, *(hidden if altering else ()), *unpredicted(found)),
        hidden=() if altering else tuple(hidden),
        left=tuple(left_below(DockerfileView.of(given))),
    )


def changed_edits(
    given: Inputs, one: Advice, edits: Sequence[str], rules: Rules, costs: Mapping[str, float]
) -> list[str]:
    """Of these edits, those that a rewrite makes cheaper; all, where it makes none so."""
    pricing = over_edits(given, edits, rules, costs)
    alone = replace(
        one,
        before=pricing(given.dockerfile, None),
        after=pricing(one.rewrite.dockerfile, one.rewrite.ignore),
    )
    return alone.saves(edits) or list(edits)


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
        if (not one.engines or family(engine) in one.engines) and builds(one.dockerfile)
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
        kind=ALL_TOGETHER,
        why=", then ".join(one.kind for one in taken),
        dockerfile=now.dockerfile,
        ignore=ignore,
        caution="; ".join(dict.fromkeys(one.caution for one in taken if one.caution)),
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
    files = [(given.dockerfile_path, given.dockerfile, one.dockerfile)]
    if one.ignore is not None:
        files.append((".dockerignore", ignored(given.context) or "", one.ignore))
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
