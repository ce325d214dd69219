"""Advice as lines of text: what was predicted, what was measured, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lab.caching.advise.gain import Advice
from lab.caching.advise.pricing import Cost
from lab.model import units
from lab.model.text_wrap import wrapped

if TYPE_CHECKING:
    from lab.caching.advise.proof import Proof  # it brings the statistics with it

GAIN, UNDECIDED = "faster", "undecided"
NO_GAIN = {
    "slower": "no gain: the builds were slower",
    "same": "no gain was measured",
    UNDECIDED: "no gain is proven: more rounds may tell",
}


def lines(
    shown: Sequence[Advice],
    proofs: Sequence[Proof | None],
    hidden: Sequence[Advice],
    over: str,
    left: Sequence[str] = (),
) -> Iterator[str]:
    """Each rewrite with its patch; those that gain nothing without. ``hidden`` are only named.

    ``over`` is what gains were predicted over: edits, or commits. ``left``: why steps are left.
    """
    if not any(claimed(one, proof) for one, proof in zip(shown, proofs, strict=True)):
        unknown = any(proof is None for proof in proofs)
        which = "that can be predicted" if unknown else "that the lab knows of"
        if any(proofs):
            yield "nothing to gain that builds could show"
        else:
            yield from wrapped(
                f"nothing to gain {which}: no rewrite saves a step over these {over}", hang=0
            )
    for one, proof in zip(shown, proofs, strict=True):
        yield from _lines(one, proof, over)
    for text in left:
        yield from wrapped(f"not offered: {text}")
    if hidden:
        kinds = ", ".join(dict.fromkeys(one.rewrite.kind for one in hidden))
        yield from wrapped(
            f"{len(hidden)} more would save steps, but could change what the image holds: {kinds}",
            hang=0,
        )
        yield "(--altering shows them)"


def claimed(one: Advice, proof: Proof | None) -> bool:
    """Whether there is a gain to speak of: as builds showed, else as was predicted."""
    return one.gains if proof is None else proof.verdict == GAIN


def predicted(one: Advice, over: str) -> str:
    """What a rewrite is predicted to gain: ``2 edits: RUN steps 4 → 3 ...``."""
    before, after = one.before, one.after
    gain = f"RUN steps {before.runs} → {after.runs}, all steps {before.steps} → {after.steps}"
    if before.seconds:
        gain += f", {units.seconds(before.seconds)} → {units.seconds(after.seconds)}"
    shown = over if before.cases != 1 else over.removesuffix("s")
    return f"{before.cases} {shown}: {gain}"


def _lines(one: Advice, proof: Proof | None, over: str) -> Iterator[str]:
    yield from wrapped(f"{one.rewrite.kind}: {one.rewrite.why}")
    if one.gains:
        yield from wrapped(f"  predicted over {predicted(one, over)}")
    elif proof is None:
        yield "  no prediction can show what it gains, if anything: --prove 6 measures it"
    if proof is not None:
        yield from wrapped(
            f"  built {len(proof.pairs)} rounds: {proof.verdict}, "
            f"{proof.ratio:.2f} of the time, by the edits {', '.join(proof.edits)}"
        )
    if proof is not None and proof.verdict != GAIN:
        yield f"  {NO_GAIN[proof.verdict]}"
        if not one.gains or proof.verdict != UNDECIDED:  # what builds deny is no advice
            yield ""
            return
    if one.rewrite.alters:
        yield from wrapped(f"  could change the image: {one.rewrite.alters}")
    if one.rewrite.engines:
        yield f"  for {' and '.join(one.rewrite.engines)}"
    if one.rewrite.caution:
        yield from wrapped(f"  caution: {one.rewrite.caution}")
    yield from (f"    {line}" for line in one.patch.splitlines())
    yield ""


def as_json(one: Advice, proof: Proof | None) -> dict[str, Any]:
    """A rewrite for programs. ``heed`` is what ``caution`` was called, for those that read it."""
    return {
        "kind": one.rewrite.kind,
        "why": one.rewrite.why,
        "caution": one.rewrite.caution,
        "heed": one.rewrite.caution,
        "alters": one.rewrite.alters,
        "predicted": one.gains,
        "claimed": claimed(one, proof),
        "before": _cost(one.before),
        "after": _cost(one.after),
        "patch": one.patch,
        "proof": None if proof is None else asdict(proof),
    }


def _cost(one: Cost) -> dict[str, Any]:
    return {"runs": one.runs, "steps": one.steps, "seconds": one.seconds, "cases": one.cases}
