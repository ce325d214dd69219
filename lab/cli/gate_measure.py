"""Fresh measurements for `lab gate`: --confirm and --prove."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.output import before_the_answer, print_text
from lab.cli.scenario_run import as_it_was_asked, as_it_was_run, traced, view
from lab.model import cell_names
from lab.model.errors import GateCannotTell, GateFailed, InputError

if TYPE_CHECKING:
    from lab.results.gate.judgement import Finding, Judgement
    from lab.results.gate.policy import Policy
    from lab.results.gate.proof import Proof
    from lab.results.gate.sides import Side
    from lab.results.runs import StoredRun
    from lab.runner.session import Session
    from lab.scenario.model import Scenario
    from lab.scenario.plan import Cell

ROUNDS = 10
MEASURED = ("wall", "cpu", "step", "hit_rate", "image_size", "peak_memory")


def confirm(
    judgement: Judgement, baseline: Side, candidate: Side, options: argparse.Namespace
) -> Judgement:
    """The judgement with its suspected failures measured again, in turn, where that can be done."""
    from lab.results import ab_sides
    from lab.results.gate.judgement import Outcome, judge
    from lab.results.gate.sides import Side as Sides
    from lab.runner import interleave

    suspects = [
        one
        for one in judgement.findings
        if one.outcome is Outcome.FAIL and one.rule.metric in MEASURED and one.count
    ]
    if not suspects or baseline.run is None or candidate.run is None:
        return judgement
    old, new, why = _at_hand(baseline.run, candidate.run, options)
    if why or old is None:
        return replace(judgement, notes=(*judgement.notes, f"not confirmed: {why}"))

    with _session(new, candidate.run, options) as session:
        sides = {
            ab_sides.BASELINE: session.trials(old, "-old"),
            ab_sides.CANDIDATE: session.trials(new, "-new"),
        }
        kept = {
            name: [trial for trial in trials if _suspected(trial.cell.axes, suspects)]
            for name, trials in sides.items()
        }
        fresh = session.drive(interleave.interleaved(kept, new.seed))
    rules = (rule for rule in judgement.policy.rules if any(rule is one.rule for one in suspects))
    asked = replace(judgement.policy, rules=tuple(rules))
    fresh_judgement = judge(
        Sides(run=ab_sides.side(fresh, ab_sides.BASELINE)),
        Sides(run=ab_sides.side(fresh, ab_sides.CANDIDATE)),
        asked,
    )
    decided = {(id(one.rule), one.subject): one for one in fresh_judgement.findings}
    findings = tuple(_settled(one, decided, fresh) for one in judgement.findings)
    notes = (*judgement.notes, f"fresh rounds in turn: {fresh.run.id}")
    return replace(judgement, findings=findings, notes=notes)


def _suspected(axes: Mapping[str, str], suspects: list[Finding]) -> bool:
    return any(one.subject.startswith(f"{cell_names.full(axes)}, ") for one in suspects)


def _settled(one: Finding, decided: Mapping[tuple[int, str], Finding], fresh: StoredRun) -> Finding:
    found = decided.get((id(one.rule), one.subject))
    if found is None:
        return one
    why = f"; {found.reason}" if found.reason else ""
    return replace(found, reason=f"fresh rounds of {fresh.run.id} decide, after a fail{why}")


def _at_hand(
    baseline: StoredRun, candidate: StoredRun, options: argparse.Namespace
) -> tuple[Scenario | None, Scenario, str]:
    """Both scenarios, and why they cannot be measured again: empty where they can."""
    from lab.scenario.model import Own

    new = _scenario(candidate, options, options.candidate_scenario)
    if baseline.run.scenario.path is None and options.baseline_scenario is None:
        return None, new, "the baseline's scenario is not at hand; name it by --baseline-scenario"
    old = _scenario(baseline, options, options.baseline_scenario)
    alike = ("engines", "bases", "toolchains", "phases")
    other = [name for name in alike if getattr(old, name) != getattr(new, name)]
    if other:
        return None, new, f"baseline and candidate differ in their {', '.join(other)}"
    work = new.workload
    was = old.workload
    if isinstance(work, Own) and isinstance(was, Own) and _same(was.context, work.context):
        why = (
            f"{work.context} holds the candidate's sources, those of the baseline are not at "
            "hand; name a checkout of them by --baseline-scenario"
        )
        return None, new, why
    return old, new, ""


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _scenario(stored: StoredRun, options: argparse.Namespace, instead: Path | None) -> Scenario:
    """A run's scenario on the engines and in the rounds that it was run."""
    rounds = options.rounds or max([ROUNDS, *(build.round for build in stored.builds)])
    return replace(as_it_was_run(stored.run, instead), rounds=rounds, until=None, expect=())


def _session(
    scenario: Scenario, stored: StoredRun, options: argparse.Namespace
) -> AbstractContextManager[Session]:
    from lab.cli.api.measuring import watched

    asked = replace(as_it_was_asked(stored.run, options), made_by="gate")
    return watched(scenario, traced(asked, options), view(options))


def prove(candidate: Side, policy: Policy, options: argparse.Namespace) -> int:
    """Slow the candidate down by a known size, and show what the gate makes of it.

    0 where it detects the slow-down without a false alarm. Raises GateFailed for false alarms,
    GateCannotTell where it does not detect the slow-down.
    """
    from lab.report.gate import proof_text
    from lab.results import ab_sides
    from lab.results.gate import proof as proofs
    from lab.results.gate.sides import Side as Sides
    from lab.runner import interleave

    if candidate.run is None:
        raise InputError("--prove needs a run as the candidate", remedy="--candidate RUN")
    asked = proofs.timed(policy)
    scenario = _scenario(candidate.run, options, options.candidate_scenario)
    walls = _walls(candidate.run)
    size = options.slowdown or 2 * max(
        rule.amount if rule.kind == "relative" else rule.amount / min(walls.values())
        for rule in asked.rules
    )

    def slowed(cell: Cell, phase: str) -> float:
        return size * walls.get((cell_names.full(cell.axes), phase), 0.0)

    with _session(scenario, candidate.run, options) as session:
        sides = {
            name: interleave.with_injected_delay(session.trials(scenario, f"-{name}"), delay)
            for name, delay in {
                ab_sides.BASELINE: _no_delay,
                ab_sides.CONTROL: _no_delay,
                ab_sides.CANDIDATE: slowed,
            }.items()
        }
        fresh = session.drive(interleave.interleaved(sides, scenario.seed))
    plain, control, slow = (
        Sides(run=ab_sides.side(fresh, name))
        for name in (ab_sides.BASELINE, ab_sides.CONTROL, ab_sides.CANDIDATE)
    )
    sizes = {
        f"{cell}, {phase}": size * walls[(cell, phase)] / wall
        for (cell, phase), wall in _walls(ab_sides.side(fresh, ab_sides.BASELINE)).items()
        if (cell, phase) in walls
    }
    proof = proofs.prove(plain, control, slow, asked, sizes, scenario.seed)
    with before_the_answer():
        print_text(proof_text(proof, fresh.run.id))
    return _end(proof, size)


def _end(proof: Proof, size: float) -> int:
    """0 where the policy holds; raises GateFailed or GateCannotTell otherwise."""
    if proof.control_failed or proof.too_many_alarms:
        cause = "the candidate against itself"
        if proof.too_many_alarms:
            cause = f"{proof.false_alarms} of {proof.shuffles} shuffles"
        raise GateFailed(
            f"the gate gives false alarms: {cause} made it fail",
            remedy="ask for more certainty, or for a larger change that matters",
        )
    if not proof.detected:
        raise GateCannotTell(
            f"the gate does not detect a slow-down of {size * 100:.0f} % with these rounds",
            remedy="measure more rounds (--rounds), or try a larger --slowdown",
        )
    return 0


def _no_delay(cell: object, phase: str) -> float:
    del cell, phase
    return 0.0


def _walls(stored: StoredRun) -> dict[tuple[str, str], float]:
    """The median wall of each cell and phase that was measured."""
    found: dict[tuple[str, str], list[float]] = {}
    for build in stored.counted:
        if build.status == "ok" and build.wall_s:
            found.setdefault((cell_names.full(build.cell), build.phase), []).append(build.wall_s)
    return {key: statistics.median(walls) for key, walls in found.items()}
