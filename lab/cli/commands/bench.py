"""`lab bench`: one experiment on this host's Go toolchains, by itself."""

from __future__ import annotations

import argparse
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
                "--output",
                type=Path,
                metavar="DIR",
                help="keep Go's action graph, its trace, the log, and a page of the last build",
            )
            arguments.earlier(one, "--out", dest="output", type=Path)
        one.add_argument("--home", type=Path, metavar="DIR", help="of the Go versions")
        one.add_argument("--json", action="store_true", help="print every sample as JSON")


def _settings(experiment: str) -> str:
    """An experiment's settings, each with what it is unless set."""
    import textwrap

    from lab.golang.claims.settings import KNOWN

    lines = ["settings (and what they are unless set):"]
    for name, setting in KNOWN[experiment].items():
        default = setting.otherwise
        shown = default if isinstance(default, str) else ",".join(default)
        listed = setting.expected.startswith(("one of", "any of"))
        choice = f"; {setting.expected}" if listed else ""
        text = f"{name} ({shown})" if shown else name
        fits = len(text) <= 24
        lines += [] if fits else [f"  {text}"]
        lines += textwrap.wrap(
            f"{setting.what}{choice}",
            78,
            initial_indent=f"  {text:<24} " if fits else " " * 27,
            subsequent_indent=" " * 27,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def run(options: argparse.Namespace) -> int:
    """Make the experiment and show its figures."""
    from lab.golang.bench import outcome
    from lab.golang.claims import experiments, settings
    from lab.report import stages as pages

    keep: Path | None = getattr(options, "output", None)
    found = experiments.alone(
        options.experiment,
        settings.of_words(options.set, options.experiment),
        home=arguments.place_of_versions(options.home),
        keep=keep,
        say=lambda line: say(line, on_error=True),
    )
    if keep is not None:
        page = pages.write(keep.absolute(), str(found.settings["go"]))
        say(f"page: {page}", on_error=True)
    if options.json:
        print_json(found.to_json())
    else:
        say(outcome.text(found))
    return 0
