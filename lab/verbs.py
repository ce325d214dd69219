"""What each verb does. Heavy packages are imported by the verbs that use them."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import BuildsFailed, ExpectationBroken, HostLacks, InputError

if TYPE_CHECKING:
    from lab.runs import StoredRun
    from lab.scenario import Scenario
    from lab.session import Options

DEMO = "layer-cache.yaml"


def run(options: argparse.Namespace) -> int:
    """Run a scenario, or go on with a run."""
    if (options.scenario is None) == (not options.resume):
        raise InputError(
            "lab run takes a scenario, or --resume with a run",
            remedy="lab run scenarios/layer-cache.yaml",
        )
    stored = _resume(options) if options.resume else _run(_scenario(options), options)
    _show(stored, options)
    _judge(stored)
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare engines by running a scenario on them, runs, or values of an axis of a run."""
    from lab import compare as comparison
    from lab import report as reports
    from lab import runs
    from lab.engines import NAMES
    from lab.report import terminal

    values: Sequence[str] = options.values
    stored = None
    if options.run is not None:
        one = runs.load(options.run, options.results)
        builds, heads = one.builds, [one.run]
        axis = options.axis or comparison.main_axis(builds)
    elif options.axis is None and all(value.partition("=")[0] in NAMES for value in values):
        options.engine = values
        options.scenario = options.scenario or _shipped(DEMO)
        stored = _run(_scenario(options), options)
        builds, heads, axis = stored.builds, [stored.run], "engine"
        values = tuple(value.partition("=")[0] for value in values)
    else:
        found = _named_runs(values, options)
        builds = comparison.merge({name: one.builds for name, one in found.items()})
        heads = [one.run for one in found.values()]
        axis = options.axis or comparison.RUN_AXIS
        if options.axis is not None:
            values = comparison.values(builds, axis)
    table = comparison.table(builds, axis=axis, columns=values)
    if options.json:
        _print_json({"table": table.to_json()})
    else:
        terminal.show(reports.sheet(table, builds, heads))
    if stored is not None:
        _say(str(stored.folder), quiet_on_json=options.json)
        _judge(stored)
    return 0


def _named_runs(values: Sequence[str], options: argparse.Namespace) -> dict[str, StoredRun]:
    """The runs that ``lab compare`` names. Raises InputError where they cannot be compared."""
    from lab import runs
    from lab.engines import NAMES

    if any(value in NAMES for value in values):
        other = next(value for value in values if value not in NAMES)
        raise InputError(f"no engine is named {other!r}", remedy=f"one of {', '.join(NAMES)}")
    if options.axis is not None and not any(
        value in runs.runs(options.results) for value in values
    ):
        raise InputError(
            f"{', '.join(values)}: values of {options.axis} in which run?",
            remedy="name it with --run; `--run latest` is the last one",
        )
    found = {value: runs.load(value, options.results) for value in values}
    for value, one in found.items():
        if not one.builds:
            raise InputError(
                f"run {value} stopped before its first build",
                remedy=f"lab run --resume {shlex.quote(str(one.folder))}",
            )
    return found


def plan(options: argparse.Namespace) -> int:
    """List a scenario's cells; nothing is built, fetched or started."""
    from lab import session
    from lab.report import planned

    scenario = _scenario(options)
    planned.show(scenario, session.planned(scenario))
    return 0


def render(options: argparse.Namespace) -> int:
    """Write the Dockerfiles that a scenario would build, one for each cell that differs."""
    from lab import disk, session

    scenario = _scenario(options)
    written: dict[str, str] = {}
    for trial in session.planned(scenario):
        cell = trial.cell.axes
        name = "-".join(value for axis, value in cell.items() if axis != "engine")
        written[f"{name}.Dockerfile".replace("/", "_").replace(":", "_")] = trial.inputs.dockerfile
    with disk.disk(options.output):
        options.output.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (options.output / name).write_text(text, encoding="utf-8")
            _say(str(options.output / name))
    return 0


def report(options: argparse.Namespace) -> int:
    """Make a run's reports again."""
    from lab import report as reports
    from lab import runs

    stored = runs.load(options.run, options.results)
    for path in reports.write(stored):
        _say(str(path))
    return 0


def schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of scenario files."""
    from lab import scenario

    del options
    _print_json(scenario.schema())
    return 0


def doctor(options: argparse.Namespace) -> int:
    """List what the host has and lacks; with --install, mend it."""
    from lab import doctor as host

    findings = host.install(_say) if options.install else host.survey()
    _say(host.render(findings))
    lacking = [finding.name for finding in findings if finding.state != "ok" and finding.packages]
    if lacking:
        raise HostLacks(
            f"this host lacks: {', '.join(lacking)}",
            remedy="run the commands above, or `lab doctor --install` as root",
        )
    return 0


def _scenario(options: argparse.Namespace) -> Scenario:
    from lab import scenario

    loaded = scenario.load(options.scenario)
    if getattr(options, "engine", None):
        loaded = loaded.with_engines(tuple(_endpoints(options.engine)))
    changes: dict[str, object] = {}
    if getattr(options, "rounds", None):
        changes["rounds"] = options.rounds
    if getattr(options, "seed", None) is not None:
        changes["seed"] = options.seed
    return replace(loaded, **changes)  # type: ignore[arg-type]  # the names are Scenario's own


def _endpoints(named: Sequence[str]) -> Mapping[str, str]:
    """NAME[=ENDPOINT] options by name; an empty address means: find it."""
    from lab.engines import NAMES

    found = dict(value.partition("=")[::2] for value in named)
    for name in found:
        if name not in NAMES:
            raise InputError(f"no engine is named {name!r}", remedy=f"one of {', '.join(NAMES)}")
    return found


def _run(scenario: Scenario, options: argparse.Namespace) -> StoredRun:
    from lab.session import Options

    named = _endpoints(getattr(options, "engine", None) or [])
    settings = Options(
        results=options.results,
        endpoints={name: address for name, address in named.items() if address},
        private=options.private,
        keep=options.keep,
    )
    return _watched(scenario, settings, options)


def _resume(options: argparse.Namespace) -> StoredRun:
    """Go on with a run, as it was started: its scenario's text, engines, rounds and seed."""
    from lab import runs
    from lab import scenario as scenarios
    from lab.session import Options

    stored = runs.load(options.resume, options.results)
    head, begun = stored.run, stored.run.options
    for name, kind in {"engines": list, "rounds": int, "endpoints": dict}.items():
        if not isinstance(begun.get(name), kind):
            raise InputError(
                f"{stored.folder / runs.RUN_FILE}: its options do not say {name}",
                remedy="run the scenario again",
            )
    path = head.scenario.path
    loaded = scenarios.parse(head.scenario.text, None if path is None else Path(path))
    loaded = loaded.with_engines(tuple(begun["engines"]))
    loaded = replace(loaded, rounds=begun["rounds"], seed=head.seed)
    settings = Options(
        results=stored.folder.parent,
        endpoints=begun["endpoints"],
        private=begun.get("private", False) or options.private,
        keep=options.keep,
    )
    return _watched(loaded, settings, options, resumed=stored)


def _watched(
    scenario: Scenario,
    settings: Options,
    options: argparse.Namespace,
    resumed: StoredRun | None = None,
) -> StoredRun:
    from lab import report as reports
    from lab import session
    from lab.report.watcher import Watcher

    stream = sys.stderr if options.json else sys.stdout
    with Watcher(stream, quiet=options.quiet) as watcher:
        stored = session.run(scenario, settings, say=watcher.say, watcher=watcher, resumed=resumed)
    reports.write(stored)
    return stored


def _show(stored: StoredRun, options: argparse.Namespace) -> None:
    from lab import compare as comparison
    from lab import report as reports
    from lab.report import terminal

    if options.json:
        axis = comparison.main_axis(stored.builds)
        columns = comparison.values(stored.builds, axis)
        table = comparison.table(stored.builds, axis=axis, columns=columns)
        _print_json(stored.run.to_json() | {"table": table.to_json()})
    else:
        terminal.show(reports.of_run(stored), steps=False)
        _say(f"report: {stored.folder / 'report.html'}")
    _say(str(stored.folder), quiet_on_json=options.json)


def _judge(stored: StoredRun) -> None:
    """Raise what the run's result means for the exit code."""
    failed = [build for build in stored.builds if build.status == "failed"]
    if failed:  # before what was expected of those builds: it is the cause
        raise BuildsFailed(
            f"{len(failed)} of {len(stored.builds)} builds failed, the first: "
            f"{failed[0].id}: {failed[0].reason}",
            remedy=f"in {stored.folder}: {failed[0].replay}"
            if failed[0].replay
            else f"see {stored.folder / 'report.md'}",
        )
    if stored.run.broken:
        raise ExpectationBroken(
            "broken: " + "\n  ".join(stored.run.broken),
            remedy=f"see {stored.folder / 'report.md'}",
        )


def _shipped(name: str) -> Path:
    """A scenario that comes with the lab: beside the checkout, or inside the installed package."""
    package = Path(__file__).resolve().parent
    places = (package.parent / "scenarios" / name, package / "scenarios" / name)
    return next((place for place in places if place.is_file()), places[0])


def _say(text: str, *, quiet_on_json: bool = False) -> None:
    print(text, file=sys.stderr if quiet_on_json else sys.stdout)


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=True)
    sys.stdout.write("\n")
