"""A rewrite proved: both Dockerfiles really built, by turns, and their times compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab import stats
from lab.advise.gain import ignoring
from lab.advise.rewrites import Rewrite
from lab.building import built
from lab.edits import Inputs
from lab.engines.protocol import Engine
from lab.predict import edits

TAG = "localhost/lab/advise:built"
MARGIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Seconds of the same edits with the rewrite and without: one pair a round."""

    pairs: tuple[tuple[float, float], ...]
    ratio: float
    verdict: str


def prove(
    engine: Engine,
    given: Inputs,
    rewrite: Rewrite,
    texts: Sequence[str],
    *,
    rounds: int,
    seed: int,
) -> Proof:
    """Build both by turns: cold, then each edit; only the edits' builds count.

    Raises BuildsFailed where one does not build: a rewrite that breaks the build is no gain.
    """
    old, new = (given.dockerfile, None), (rewrite.dockerfile, rewrite.ignore)
    pairs = []
    for number in range(rounds):
        took = {
            one: _edited(engine, given, one, texts, f"{seed}-{number}")
            for one in ((new, old) if number % 2 else (old, new))
        }
        pairs.append((took[new], took[old]))
    found = stats.compare_paired(pairs, margin=MARGIN, confidence=0.95, seed=seed)
    return Proof(
        pairs=tuple(pairs),
        ratio=sum(new for new, _ in pairs) / sum(old for _, old in pairs),
        verdict="undecided" if found is None else str(found.verdict),
    )


def _edited(
    engine: Engine, given: Inputs, way: tuple[str, str | None], texts: Sequence[str], token: str
) -> float:
    original = given.dockerfile
    given = replace(given, dockerfile=way[0])
    _build(engine, given, way[1], cold=True)
    total = 0.0
    for text in (edits.carried(one, original, way[0]) for one in texts):
        # every round's change is one that no cache has seen
        edited = _marked(edits.apply(text, given).inputs, text, token)
        total += _build(engine, edited, way[1], cold=False)
    return total


def _build(engine: Engine, given: Inputs, ignore: str | None, *, cold: bool) -> float:
    """Build once; the wall time in seconds."""
    folded = built(
        engine,
        ignoring(given, ignore),
        tag=TAG,
        labels={"io.imagelab.advise": "1"},
        cold=cold,
        remedy="look at the patch: it may have moved a step above something that it needs",
    )
    return folded.wall_s


def _marked(edited: Inputs, text: str, token: str) -> Inputs:
    path = text.removeprefix("file:")
    entry = edited.context.entries.get(path)
    if entry is None or entry.kind != "file":
        return edited
    data = edited.context.read(path) + token.encode()
    return replace(edited, context=edited.context.with_file(path, data))
