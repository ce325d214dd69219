"""`lab gate`: has a candidate become worse than its baseline by more than a policy allows?"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, forms, gate_measure
from lab.cli.output import before_the_answer
from lab.model.errors import GateCannotTell, GateFailed, InputError

if TYPE_CHECKING:
    from lab.cli.forms import Form
    from lab.results.gate.judgement import Judgement
    from lab.results.gate.sides import Side

FORMATS = ("markdown", "junit", "github", "gitlab", "json")
DEFAULT = "default.yaml"


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    for side, what in {"baseline": "before the change", "candidate": "after it"}.items():
        verb.add_argument(
            f"--{side}",
            action="append",
            default=[],
            metavar="RUN|FILE",
            help=f"measured {what}: a run, a Go benchmark output, a coverage profile; repeatable",
        )
    verb.add_argument("--policy", type=Path, metavar="FILE", help="default: policies/default.yaml")
    forms.option(verb, FORMATS, earlier="--output")
    verb.add_argument(
        "--verdicts",
        type=Path,
        metavar="DIR",
        help="keep the verdict for `lab rollout`, by --image and the candidate's commit",
    )
    verb.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="REF@DIGEST",
        help="what the candidate was pushed as, with --verdicts; repeatable",
    )
    verb.add_argument(
        "--confirm", action="store_true", help="measure suspected failures again, in turn"
    )
    verb.add_argument(
        "--prove",
        action="store_true",
        help="inject a slow-down, and show whether the gate detects it without false alarms",
    )
    verb.add_argument(
        "--slowdown", type=_share, metavar="PERCENT", help="of --prove; default: twice the rule's"
    )
    for side in ("baseline", "candidate"):
        verb.add_argument(
            f"--{side}-scenario",
            type=Path,
            metavar="FILE",
            help=f"where the {side}'s scenario and sources lie now, for fresh rounds",
        )
    arguments.private(verb)
    arguments.rounds_and_seed(verb)
    arguments.otlp(verb)


def _share(text: str) -> float:
    """A change in per cent as a share of one."""
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = math.nan
    if not 0 < found <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r}: expected per cent, such as 30")
    return found / 100


def run(options: argparse.Namespace) -> int:
    """Judge; the exit code is the answer."""
    from lab.cli.api.scenarios import shipped
    from lab.results.gate import policy_loader, sides
    from lab.results.gate.judgement import judge

    if not options.prove:
        arguments.refuse(options, ("slowdown",), "without --prove: only that slows anything down")
    if not (options.prove or options.confirm):
        arguments.refuse(options, ("otlp",), "without --confirm or --prove: nothing is built")
    asked = forms.chosen(options.forms, FORMATS)
    subjects = _subjects(options)
    for side in ("candidate",) if options.prove else ("baseline", "candidate"):
        if not getattr(options, side):
            raise InputError(f"lab gate needs a {side}", remedy=f"--{side} RUN|FILE")
    policy_path = options.policy or shipped(DEFAULT, "policies")
    policy = policy_loader.load(policy_path)
    options.json = any(file is None for _, file in asked)  # what is watched goes to stderr
    if options.prove:
        return gate_measure.prove(
            sides.read("candidate", options.candidate, options.results), policy, options
        )
    candidate = sides.read("candidate", options.candidate, options.results)
    baseline = sides.read("baseline", options.baseline, options.results, candidate)
    notes = sides.compare(baseline, candidate, policy)
    judgement = judge(baseline, candidate, policy, notes)
    if options.confirm:
        judgement = gate_measure.confirm(judgement, baseline, candidate, options)
    if options.verdicts is not None:
        _keep(judgement, candidate, subjects, options.verdicts)
    with before_the_answer():
        show(judgement, asked, policy_path)
    return end(judgement)


def _subjects(options: argparse.Namespace) -> list[str]:
    """What the verdict is to be kept for, checked before any slow work."""
    from lab.results.gate.verdicts import subject

    if options.verdicts is None:
        arguments.refuse(options, ("image",), "without --verdicts DIR", "add it")
    return [subject(one) for one in options.image]


def _keep(judgement: Judgement, candidate: Side, images: list[str], folder: Path) -> None:
    """Keep it for the images, and for the candidate's commit where its files were those."""
    from lab.results.gate.verdicts import Verdict, decided_now, keep

    origin = candidate.run.run.origin if candidate.run else None
    commit = origin.commit if origin is not None and not origin.dirty else None
    subjects = [*images, *([commit] if commit else [])]
    if not subjects:
        raise InputError(
            "the verdict is of no image and of no commit: nothing could ask for it",
            remedy="name what was pushed with --image REF@sha256:..., or commit what is built",
        )
    keep(
        folder,
        (
            Verdict(
                subject=one,
                outcome=judgement.outcome.value,
                policy=judgement.policy.name,
                baseline=judgement.baseline,
                candidate=judgement.candidate,
                decided=decided_now(),
            )
            for one in subjects
        ),
    )


def show(judgement: Judgement, asked: Sequence[Form], policy: Path) -> None:
    """Print and write the judgement in every form asked for."""
    from lab.report import gate

    def made(name: str) -> str:
        if name == "gitlab":
            return gate.gitlab(judgement, str(policy))
        return gate.FORMATS[name](judgement)

    forms.show(asked, made, lambda: gate.text(judgement))


def end(judgement: Judgement) -> int:
    """0 for pass; raises GateFailed or GateCannotTell otherwise."""
    from lab.report import gate_text
    from lab.results.gate.judgement import Outcome

    if judgement.outcome is Outcome.FAIL:
        raise GateFailed(gate_text.headline(judgement))
    if judgement.outcome is Outcome.CANNOT_TELL:
        raise GateCannotTell(gate_text.headline(judgement), remedy=gate_text.next_step(judgement))
    return 0
