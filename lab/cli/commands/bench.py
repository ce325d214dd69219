"""`lab bench`: one experiment on this host's Go toolchains, by itself."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cli import arguments
from lab.cli.output import print_json, say

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
    kinds = verb.add_subparsers(dest="experiment", metavar="EXPERIMENT", required=True)
    for name, what in EXPERIMENTS.items():
        one = kinds.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=_settings(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE[,VALUE]",
            help="a setting of those below, repeatable",
        )
        if name == "stages":
            one.add_argument(
                "--out",
                type=Path,
                metavar="DIR",
                help="keep Go's action graph, its trace, the log, and a page of the last build",
            )
        one.add_argument("--home", type=Path, metavar="DIR", help="of the Go versions")
        one.add_argument("--json", action="store_true", help="print every sample as JSON")


def _settings(experiment: str) -> str:
    """An experiment's settings, each with what it is unless set."""
    import textwrap

    from lab.golang.claims.settings import KNOWN

    lines = ["settings (and what they are unless set):"]
    for name, one in KNOWN[experiment].items():
        shown = one.otherwise if isinstance(one.otherwise, str) else ",".join(one.otherwise)
        choice = f"; {one.expected}" if one.expected.startswith(("one of", "any of")) else ""
        text = f"{name} ({shown})" if shown else name
        fits = len(text) <= 24
        lines += [] if fits else [f"  {text}"]
        lines += textwrap.wrap(
            f"{one.what}{choice}",
            78,
            initial_indent=f"  {text:<24} " if fits else " " * 27,
            subsequent_indent=" " * 27,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def given(words: Sequence[str], experiment: str) -> Mapping[str, str | list[str]]:
    """The settings of --set. Raises InputError where one is not NAME=VALUE."""
    from lab.golang.claims.settings import KNOWN
    from lab.model.errors import InputError

    found: dict[str, str | list[str]] = {}
    for pair in words:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(
                f"--set {pair}: NAME=VALUE was expected",
                remedy=f"one of the settings that lab bench {experiment} --help lists",
            )
        known = KNOWN[experiment].get(name)
        several = known is not None and known.kind != "one" and not known.whole
        values = value.split(",") if several else [value]
        before = found.get(name, [])
        values = [*(before if isinstance(before, list) else [before]), *values]
        found[name] = values[0] if len(values) == 1 else values
    return found


def run(options: argparse.Namespace) -> int:
    """Make the experiment and show its figures."""
    import tempfile

    from lab.golang.bench import outcome
    from lab.golang.claims import experiments
    from lab.host.disk import disk

    settings = given(options.set, options.experiment)
    out: Path | None = getattr(options, "out", None)
    if out is not None:
        with disk(out):
            out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as results:
        ground = experiments.Ground(
            home=arguments.place_of_versions(options.home),
            results=Path(results),
            say=lambda line: say(line, on_error=True),
            keep=out.absolute() if out else None,
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
    from lab.golang.bench import actions, stages
    from lab.host.disk import write
    from lab.report import stages as pages

    graph = actions.read((folder / stages.GRAPH).read_text(encoding="utf-8"))
    write(folder, "stages.html", pages.page(f"go build with {version}", graph))
    say(f"page: {folder / 'stages.html'}", on_error=True)
