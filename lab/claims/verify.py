"""A run of a claims file: each claim's experiment once, on disk as soon as it is made; resumable.

<folder>/claims.yaml         the claims as they were read
<folder>/outcomes/<id>.json  what was measured for one claim, raw
<folder>/report.md, .html    made anew from these whenever one is added
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.outcome import Outcome
from lab.claims import experiments, needs
from lab.claims.experiments import Ground
from lab.claims.judge import Answer, Finding, judge, overall
from lab.claims.types import Claim, ClaimsFile, Setting
from lab.disk import disk, dump, write
from lab.errors import InputError, LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A claim with its answer. ``seconds`` is what its experiment took."""

    claim: Claim
    answer: Answer
    findings: tuple[Finding, ...]
    outcome: Outcome
    seconds: float
    settings: Mapping[str, Setting]


def folder_for(results: Path, claims: ClaimsFile, text: str, *, quick: bool) -> Path:
    """The folder of a run: the same claims, run the same way, go on where they stopped."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return results / f"verify-{claims.name}-{digest}{'-quick' if quick else ''}"


def settings_of(claim: Claim, *, quick: bool) -> Mapping[str, Setting]:
    """A claim's settings; --quick puts its smaller ones in their place."""
    return claim.settings | (claim.quick if quick else {})


def check(claims: ClaimsFile) -> None:
    """Raises InputError for an experiment or a need that is not known, before any is made."""
    for claim in claims.claims:
        if claim.experiment not in experiments.EXPERIMENTS:
            raise InputError(
                f"{claim.id}: there is no experiment {claim.experiment!r}",
                remedy=f"one of {', '.join(sorted(experiments.EXPERIMENTS))}",
            )
        for expect in claim.expect:
            needs.lacking(expect.needs)


def verify(claim: Claim, folder: Path, ground: Ground, *, quick: bool) -> Verified:
    """Make a claim's experiment, or take what an earlier run of it left, and answer."""
    settings = settings_of(claim, quick=quick)
    stored = _stored(folder, claim.id, settings)
    if stored is None:
        begun = time.monotonic()
        try:
            outcome = experiments.run(claim.experiment, settings, ground)
        except LabError as error:
            # One experiment that fails must not take the others' answers with it.
            outcome = Outcome(
                experiment=claim.experiment,
                settings={},
                missing={"": f"the experiment failed: {error.message.splitlines()[0]}"},
            )
        stored = outcome, time.monotonic() - begun
        if "" not in outcome.missing:  # a failed one is made again when the run goes on
            _store(folder, claim.id, settings, *stored)
    outcome, seconds = stored
    findings = tuple(judge(expect, outcome, needs.lacking(expect.needs)) for expect in claim.expect)
    return Verified(
        claim=claim,
        answer=overall(findings),
        findings=findings,
        outcome=outcome,
        seconds=seconds,
        settings=settings,
    )


def to_json(claims: ClaimsFile, found: Sequence[Verified]) -> Mapping[str, object]:
    """The answers for programs."""
    return {
        "schema": "lab.verify/1",
        "name": claims.name,
        "claims": [
            {
                "id": one.claim.id,
                "answer": one.answer,
                "seconds": round(one.seconds, 1),
                "parts": [finding.to_json() for finding in one.findings],
            }
            for one in found
        ],
    }


def _store(
    folder: Path, name: str, settings: Mapping[str, Setting], outcome: Outcome, seconds: float
) -> None:
    record = {"settings": dict(settings), "seconds": seconds, "outcome": outcome.to_json()}
    with disk(folder):
        (folder / "outcomes").mkdir(parents=True, exist_ok=True)
    write(folder, f"outcomes/{name}.json", dump(record, indent=1))


def _stored(
    folder: Path, name: str, settings: Mapping[str, Setting]
) -> tuple[Outcome, float] | None:
    """What an earlier run measured with the same settings; None where there is nothing whole."""
    path = folder / "outcomes" / f"{name}.json"
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read {path}: {error}", remedy="remove it: its experiment is made again"
        ) from error
    if record.get("settings") != dict(settings):
        return None
    return Outcome.from_json(record["outcome"]), float(record["seconds"])
