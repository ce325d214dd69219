"""A run of a claims file: each claim's experiment once, on disk as soon as it is made; resumable.

<folder>/claims.yaml         the claims as they were read
<folder>/outcomes/<id>.json  what was measured for one claim, raw, and on which host
<folder>/samples/<id>.jsonl  of an experiment under way: each sample as soon as it is taken
<folder>/runs/<id>/          of one that builds with an engine: the lab's own run of it
<folder>/report.md, .html    made anew from these whenever one is added
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.golang.bench.journal import Journal
from lab.golang.bench.outcome import Outcome
from lab.golang.bench.sandbox import Say
from lab.golang.claims import experiments, loader, needs
from lab.golang.claims.experiments import Ground
from lab.golang.claims.file_schema import Claim, ClaimsFile
from lab.golang.claims.judge import Answer, Finding, judge, overall
from lab.golang.claims.settings import Value
from lab.golang.goroot.home import Home
from lab.host import facts as host
from lab.host import own_folders, paths
from lab.host.disk import disk, dump, write
from lab.model.errors import InputError, Interrupted, LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A claim with its answer. ``seconds`` is what its experiment took, ``ended`` when in UTC."""

    claim: Claim
    answer: Answer
    findings: tuple[Finding, ...]
    outcome: Outcome
    seconds: float
    ended: str


def folder_for(results: Path, claims: ClaimsFile, text: str, *, quick: bool) -> Path:
    """The folder of a run: the same claims, run the same way, go on where they stopped."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return results / f"verify-{claims.name}-{digest}{'-quick' if quick else ''}"


def settings_of(claim: Claim, *, quick: bool) -> Mapping[str, Value]:
    """A claim's settings; --quick puts its smaller ones in their place."""
    return claim.settings | (claim.quick if quick else {})


def this_host() -> Mapping[str, str]:
    """What measurements of two hosts differ by, in words: they are never put together."""
    facts = host.facts(paths.cache_dir())
    return {
        "kernel": facts.kernel or "unknown",
        "processor": f"{facts.cpu_model or 'unknown'}, {facts.cpus} cores",
        "disk": facts.filesystem or "unknown",
    }


def forget(folder: Path, claim: Claim) -> None:
    """Let a claim be measured anew."""
    with disk(folder):
        for left in (_outcome(folder, claim), _samples(folder, claim)):
            left.unlink(missing_ok=True)
        shutil.rmtree(folder / "runs" / claim.id, ignore_errors=True)


def verify(claim: Claim, folder: Path, ground: Ground, *, quick: bool) -> Verified:
    """Make a claim's experiment, or take what an earlier run of it left, and answer."""
    if (known := answered(claim, folder, quick=quick)) is not None:
        return known
    of = _of(claim, quick)
    outcome, seconds = _made(claim, of, folder, ground)
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    if "" not in outcome.missing:  # a failed one is made again when the run goes on
        record = {**of, "seconds": seconds, "ended": ended, "outcome": outcome.to_json()}
        with disk(folder):
            (folder / "outcomes").mkdir(parents=True, exist_ok=True)
        write(folder, f"outcomes/{claim.id}.json", dump(record, indent=1))
        _samples(folder, claim).unlink(missing_ok=True)  # the outcome has them all
    return _answer(claim, outcome, seconds, ended)


def answered(claim: Claim, folder: Path, *, quick: bool) -> Verified | None:
    """The answer from what an earlier run measured with these settings on this host, if one did."""
    path, of = _outcome(folder, claim), _of(claim, quick)
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read {path}: {error}", remedy="remove it: its experiment is made again"
        ) from error
    if not isinstance(record, dict) or any(record.get(name) != of[name] for name in of):
        return None
    outcome = Outcome.from_json(record.get("outcome", {}))
    return _answer(claim, outcome, float(record["seconds"]), str(record["ended"]))


def _of(claim: Claim, quick: bool) -> Mapping[str, Mapping[str, Any]]:
    """What samples are of: they are taken up again where that is the same."""
    return {"settings": dict(settings_of(claim, quick=quick)), "host": dict(this_host())}


def _answer(claim: Claim, outcome: Outcome, seconds: float, ended: str) -> Verified:
    findings = tuple(judge(expect, outcome, needs.lacking(expect.needs)) for expect in claim.expect)
    return Verified(
        claim=claim,
        answer=overall(findings),
        findings=findings,
        outcome=outcome,
        seconds=seconds,
        ended=ended,
    )


def _made(
    claim: Claim, of: Mapping[str, Mapping[str, Any]], folder: Path, ground: Ground
) -> tuple[Outcome, float]:
    """The experiment's outcome and its seconds, samples that were there already among them."""
    begun = time.monotonic()
    with Journal(_samples(folder, claim), of) as journal:
        ground = replace(ground, take=journal.take, results=folder / "runs" / claim.id)
        if journal.resumed:
            ground.say(f"going on after {journal.resumed} samples that were kept")
        try:
            outcome = experiments.run(claim.experiment, of["settings"], ground)
        except Interrupted:
            raise  # of the whole command: what was measured so far is on disk
        except LabError as error:
            # One experiment that fails must not take the others' answers with it.
            outcome = Outcome(
                experiment=claim.experiment,
                settings={},
                missing={"": f"the experiment failed: {error.message.splitlines()[0]}"},
            )
        if journal.resumed:
            note = f"interrupted and taken up again after {journal.resumed} of its samples"
            outcome = replace(outcome, notes=(*outcome.notes, note))
    return outcome, time.monotonic() - begun + journal.earlier_s


def _outcome(folder: Path, claim: Claim) -> Path:
    return folder / "outcomes" / f"{claim.id}.json"


def _samples(folder: Path, claim: Claim) -> Path:
    return folder / "samples" / f"{claim.id}.jsonl"


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
                "ended": one.ended,
                "parts": [finding.to_json() for finding in one.findings],
            }
            for one in found
        ],
    }


class Session:
    """A file of claims put to the test, in a folder that goes on where an earlier run stopped.

    Raises InputError where the file has a mistake, or no claim with an id of ``only``.
    """

    def __init__(self, path: Path, results: Path, *, quick: bool, only: Sequence[str] = ()) -> None:
        self.claims, self._text = loader.load(path)
        ids = [claim.id for claim in self.claims.claims]
        if unknown := [name for name in only if name not in ids]:
            raise InputError(
                f"no claim has the id {unknown[0]!r}", remedy=f"one of {', '.join(ids)}"
            )
        self.quick = quick
        self.folder = folder_for(results, self.claims, self._text, quick=quick).absolute()
        self._chosen = [claim for claim in self.claims.claims if not only or claim.id in only]
        self._answers: dict[str, Verified] = {}

    def run(self, home: Home, *, anew: bool, say: Say) -> Iterator[Verified]:
        """Each chosen claim as soon as it is answered; ``anew`` measures what was measured before.

        Raises InputError where an earlier answer cannot be read, DiskFull, StoreError.
        """
        with disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        own_folders.mark(self.folder)
        write(self.folder, "claims.yaml", self._text)
        ground = Ground(home=home, results=self.folder / "runs", say=lambda line: say(f"  {line}"))
        for claim in self._chosen if anew else ():
            forget(self.folder, claim)
        for claim in self.claims.claims:
            if (known := answered(claim, self.folder, quick=self.quick)) is not None:
                self._answers[claim.id] = known
        for claim in self._chosen:
            say(f"{claim.id}: {claim.experiment}")
            self._answers[claim.id] = verify(claim, self.folder, ground, quick=self.quick)
            yield self._answers[claim.id]

    @property
    def answers(self) -> list[Verified]:
        """Every answer so far, those of earlier runs too, in the order of the file."""
        return [self._answers[one.id] for one in self.claims.claims if one.id in self._answers]

    @property
    def chosen(self) -> list[Verified]:
        """The answers to the claims of this run."""
        return [self._answers[one.id] for one in self._chosen if one.id in self._answers]
