"""`lab explain`: why steps were not cached."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, say, say_notes
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.caching.explain import Explanation
    from lab.results.runs import StoredRun


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("run", nargs="?", metavar="RUN", help="its id, its folder, or: latest")
    verb.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="IMAGE",
        help="twice: two images, archives or docker:NAME, podman:NAME; no run is needed",
    )
    verb.add_argument(
        "--between",
        nargs=2,
        type=Path,
        metavar="DOCKERFILE",
        help="two Dockerfiles in their contexts: what of the second would miss after the first",
    )
    arguments.dockerfile(verb)
    verb.add_argument(
        "--context",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="with --between: of both, or twice: of each (default: the Dockerfiles' folders)",
    )
    verb.add_argument("--build", metavar="ID", help="this build alone; a part of its id will do")
    verb.add_argument("--step", type=int, metavar="N", help="this instruction alone")
    verb.add_argument("--phase", metavar="PHASE", help="builds of this phase, engines side by side")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Explain a stored run's builds."""
    from lab.caching import explain
    from lab.results import runs

    if options.image or options.between:
        if options.run is not None:
            raise InputError("a run, or two images, or two Dockerfiles", remedy="ask for one")
        return _compared(options)
    if options.run is None:
        raise InputError("explain what?", remedy="name a run, --image twice, or --between")
    stored = runs.load(options.run, options.results)
    say_notes(stored)
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


def _compared(options: argparse.Namespace) -> int:
    """Images, or Dockerfiles with their contexts: nothing is run."""
    from lab.caching.explain import as_json, as_text
    from lab.caching.predict import compare_builds
    from lab.dockerfile.cachekey import by_clients, rules
    from lab.images import history_diff

    if options.image:
        if len(options.image) != 2:
            raise InputError("one image alone cannot be compared", remedy="give --image twice")
        one, other = (history_diff.past(name) for name in options.image)
        for line in history_diff.differences(one, other):
            say(line)
        return 0
    if len(options.context) > 2:
        raise InputError("--context is given once or twice", remedy="one for each Dockerfile")
    contexts = options.context * (3 - len(options.context)) if options.context else [None, None]
    before, after = (
        compare_builds.manifest(
            compare_builds.inputs(
                path, context, arguments.build_args(options.build_arg), options.target
            )
        )
        for path, context in zip(options.between, contexts[:2], strict=True)
    )
    found = [
        compare_builds.whatif(before, after, by_clients(rules(name, version)), name=name)
        for name, version in arguments.engine_versions(options.engine)
    ]
    if options.json:
        print_json([as_json(one) for one in found])
        return 0
    for explanation in found:
        for line in as_text(explanation, predicted=True):
            say(line)
    return 0


def _chosen(
    known: dict[str, Explanation], options: argparse.Namespace, stored: StoredRun
) -> list[Explanation]:
    from lab.results.runs import without_builds

    if not stored.builds:
        raise without_builds(stored)
    if not known:
        raise InputError(
            f"no build of run {stored.run.id} has a manifest",
            remedy="run the scenario again: this run was made by an older lab, or all was skipped",
        )
    if options.engine:
        wanted = {name for name, _ in arguments.engine_versions(options.engine)}
        known = {name: one for name, one in known.items() if one.build.cell.get("engine") in wanted}
        if not known:
            raise InputError(
                f"run {stored.run.id} has no build of {' or '.join(sorted(wanted))}",
                remedy=f"its engines: {', '.join(one.name for one in stored.run.engines)}",
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
