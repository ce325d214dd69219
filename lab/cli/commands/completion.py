"""`lab completion`: what makes a shell complete the lab's commands, options and choices."""

from __future__ import annotations

import argparse

from lab.cli.output import print_text

SHELLS = ("bash", "zsh", "fish", "tcsh")


def options(verb: argparse.ArgumentParser) -> None:
    """Its argument."""
    verb.add_argument("shell", choices=SHELLS)
    verb.epilog = 'For bash: eval "$(lab completion bash)"'


def run(options: argparse.Namespace) -> int:
    """Print a shell's script."""
    import shtab

    from lab.cli import parser

    print_text(shtab.complete(parser.whole(), shell=options.shell) + "\n")
    return 0
