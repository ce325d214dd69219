"""`lab explain`: why steps were not cached."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lab.errors import InputError
from lab.verbs import arguments
from lab.verbs.output import print_json, say

if TYPE_CHECKING:
    from lab.explain import Explanation
    from lab.runs import StoredRun


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", metavar="RUN", help="its id, its folder, or: latest")
    verb.add_argument("--build", metavar="ID", help="this build alone; a part of its id will do")
    verb.add_argument("--step", type=int, metavar="N", help="this instruction alone")
    verb.add_argument("--phase", metavar="PHASE", help="builds of this phase, engines side by side")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Explain a stored run's builds."""
    from lab import explain, runs

    stored = runs.load(options.run, options.results)
    found = _chosen(explain.explanations(stored), options, stored)
    if options.json:
        print_json({"builds": [explain.as_json(one, options.step) for one in found]})
        return 0
    if options.phase is not None:
        for line in explain.side_by_side(found, stored.run.engines):
            say(line)
        return 0
    for one in found:
        for line in explain.as_text(one, options.step):
            say(line)
    return 0


def _chosen(
    known: dict[str, Explanation], options: argparse.Namespace, stored: StoredRun
) -> list[Explanation]:
    if not known:
        raise InputError(
            f"no build of run {stored.run.id} has a manifest",
            remedy="run the scenario again: this run was made by an older lab, or all was skipped",
        )
    if options.build is None:
        found = list(known.values())
    else:
        exact = [one for name, one in known.items() if name == options.build]
        found = exact or [one for name, one in known.items() if options.build in name]
        if not found:
            raise InputError(
                f"no build of run {stored.run.id} is named {options.build!r}",
                remedy=f"one of: {', '.join(list(known)[:6])}",
            )
    if options.phase is not None:
        phases = {one.build.phase for one in found}
        found = [one for one in found if one.build.phase == options.phase]
        if not found:
            raise InputError(
                f"no build was in phase {options.phase!r}",
                remedy=f"one of: {', '.join(sorted(phases))}",
            )
    if options.step is not None and not any(
        one.step.index == options.step for build in found for one in build.steps
    ):
        raise InputError(
            f"there is no step {options.step}",
            remedy="steps count from 0, the first line of the Dockerfile that is an instruction",
        )
    return found
