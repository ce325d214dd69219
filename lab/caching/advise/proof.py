"""A rewrite proved: both Dockerfiles really built, by turns, and their times compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.caching.advise.pricing import ignoring
from lab.caching.advise.rewrite import Rewrite
from lab.caching.predict import edit_arguments
from lab.dockerfile.edits import Inputs
from lab.dockerfile.kept_context import kept
from lab.engines.protocol import Engine
from lab.results import stats
from lab.runner.build import build_once

CACHES = "lab-advise-"
TAG = "localhost/lab/advise:built"
MARGIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Seconds of the same edits with the rewrite and without: one pair a round."""

    edits: tuple[str, ...]
    ratio: float
    verdict: str
    pairs: tuple[tuple[float, float], ...]


def prove(
    engine: Engine,
    given: Inputs,
    rewrite: Rewrite,
    texts: Sequence[str],
    *,
    rounds: int,
    seed: int,
) -> Proof:
    """Build both by turns: once as they are, then each edit, every time with another content.

    Only the edits' builds count. Raises BuildsFailed where one does not build: a rewrite that
    breaks the build is no gain.
    """
    with kept(given.context) as context:
        pairs = _pairs(engine, replace(given, context=context), rewrite, texts, rounds, seed)
    found = stats.compare_paired(pairs, margin=MARGIN, confidence=0.95, seed=seed)
    return Proof(
        edits=tuple(texts),
        pairs=tuple(pairs),
        ratio=sum(new for new, _ in pairs) / sum(old for _, old in pairs),
        verdict="undecided" if found is None else str(found.verdict),
    )


def _pairs(
    engine: Engine,
    given: Inputs,
    rewrite: Rewrite,
    texts: Sequence[str],
    rounds: int,
    seed: int,
) -> list[tuple[float, float]]:
    """Seconds with the rewrite and without, by rounds."""
    ways = ((rewrite.dockerfile, rewrite.ignore), (given.dockerfile, None))
    # what cannot be marked is in the cache from the round before, unless all is forgotten
    fresh = all(_path(text, given) is not None for text in texts)
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        took: dict[int, float] = {}
        for side, way in list(enumerate(ways))[:: 1 if number % 2 else -1]:
            one = replace(given, dockerfile=_own_caches(way[0]))
            if number == 0 or not fresh:
                # the first forgets the second as well, and what both share
                _build(engine, one, way[1], cold=not fresh or not took)
            took[side] = sum(
                _edited(engine, one, way[1], edit_arguments.carried(text, given.dockerfile, way[0]),
                        f"{seed}-{number}-{side}")
                for text in texts
            )  # fmt: skip
        pairs.append((took[0], took[1]))
    return pairs


def _edited(engine: Engine, given: Inputs, ignore: str | None, text: str, token: str) -> float:
    """One edit's build, of a content that no cache has seen."""
    edited = edit_arguments.apply(text, given).inputs
    path = _path(text, given)
    if path is not None:
        data = edit_arguments.marked(path, edited.context.read(path), token)
        edited = replace(edited, context=edited.context.with_file(path, data))
    return _build(engine, edited, ignore, cold=False)


def _path(text: str, given: Inputs) -> str | None:
    """The file whose content an edit changes; None for edits of another kind."""
    path = text.removeprefix("file:")
    there = given.context.entries.get(path)
    return path if there is not None and there.kind == "file" else None


def _own_caches(text: str) -> str:
    """Cache mounts of the proof's own: a cold build empties those that it names, whose they are."""

    def own(match: re.Match[str]) -> str:
        about = match[0].partition("=")[2].split(",")
        words = dict(word.partition("=")[::2] for word in about)
        named = next((words[key] for key in ("id", "target", "dst") if key in words), "")
        kept = [word for word in about if not word.startswith("id=")]
        return f"--mount={','.join(kept)},id={CACHES}{re.sub(r'[^a-zA-Z0-9]+', '-', named)}"

    return re.sub(r"--mount=(?:\S*,)?type=cache\b\S*", own, text)


def _build(engine: Engine, given: Inputs, ignore: str | None, *, cold: bool) -> float:
    """Build once; the wall time in seconds."""
    outcome = build_once(
        engine,
        ignoring(given, ignore),
        tag=TAG,
        labels={"io.imagelab.advise": "1"},
        cold=cold,
        remedy="look at the patch: it may have moved a step above something that it needs",
    )
    return outcome.wall_s
