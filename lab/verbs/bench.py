"""`lab bench`: one experiment on this host's Go toolchains, by itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.verbs.output import print_json, say

EXPERIMENTS = {
    "goroot": "go build with GOROOT in different places",
    "stages": "where one go build spends its time: packages, critical path, the compiler's log",
    "truth": "is a delay found that the lab itself injects, and none without it",
    "fs": "stat, openat, read and readdir over the same GOROOT on each file system",
    "links": "system calls and time per open through links, mounts and overlays",
    "switch": "switching versions while builds run",
    "overlay": "switching by an overlay: the published recipe and the lab's way",
    "resolution": "how a go command finds its GOROOT",
    "recompile": "what is compiled again with another GOROOT, and why",
    "startup": "how long a go command takes to start",
    "kernel": "what kernels answer to clone3 and memfd_secret",
    "container": "container builds with GOROOT at the base's place and elsewhere",
    "distribute": "a GOROOT handed out between network namespaces, each part timed",
}


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "experiment",
        choices=EXPERIMENTS,
        metavar="EXPERIMENT",
        help="; ".join(f"{name}: {what}" for name, what in EXPERIMENTS.items()),
    )
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE[,VALUE]",
        help="a setting of the experiment (docs/verify.md lists them), repeatable",
    )
    verb.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="stages: keep Go's action graph, its trace, the log, and a page of the last build",
    )
    verb.add_argument("--home", type=Path, metavar="DIR", help="of the Go versions")
    verb.add_argument("--json", action="store_true", help="print every sample as JSON")


def run(options: argparse.Namespace) -> int:
    """Make the experiment and show its figures."""
    import tempfile

    from lab.bench import outcome
    from lab.claims import experiments
    from lab.disk import disk
    from lab.errors import InputError
    from lab.verbs.goroot import place_of_versions

    settings: dict[str, str | list[str]] = {}
    for pair in options.set:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(f"--set {pair}: NAME=VALUE was expected", remedy="--set rounds=6")
        settings[name] = value.split(",") if "," in value else value
    if options.out is not None:
        if options.experiment != "stages":
            raise InputError(f"{options.experiment} leaves no files", remedy="leave --out out")
        with disk(options.out):
            options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as results:
        ground = experiments.Ground(
            home=place_of_versions(options.home),
            results=Path(results),
            say=lambda line: say(line, on_error=True),
            keep=options.out.absolute() if options.out else None,
        )
        found = experiments.run(options.experiment, settings, ground)
        if ground.keep is not None:
            _draw(ground.keep, str(found.settings["go"]))
    if options.json:
        print_json(found.to_json())
    else:
        say(outcome.text(found))
    return 0


def _draw(folder: Path, version: str) -> None:
    """A page beside an action graph."""
    from lab.bench import actions, stages
    from lab.disk import write
    from lab.report import stages as pages

    graph = actions.read((folder / stages.GRAPH).read_text(encoding="utf-8"))
    write(folder, "stages.html", pages.page(f"go build with {version}", graph))
    say(f"page: {folder / 'stages.html'}", on_error=True)
