"""`lab goroot stage`, `unstage`, `check` and `units`: copies in memory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments
from lab.cli.output import say

if TYPE_CHECKING:
    from lab.golang.goroot.home import Home


def options(actions: Any) -> None:
    """The arguments of these actions."""
    stage = actions.add_parser("stage", help="copy a version into memory, or update its copy")
    stage.add_argument("--tmpfs", action="store_true", help="in a tmpfs, which is the default")
    stage.add_argument("--size", metavar="SIZE", help="the limit, such as 512MiB")
    stage.add_argument(
        "--watch",
        action="store_true",
        help="stay, and update the copy at every change",
    )
    unstage = actions.add_parser("unstage", help="give a copy's memory back")
    unstage.add_argument("--lazy", action="store_true", help="although processes still use it")
    check = actions.add_parser("check", help="compare every file with its sum")
    units = actions.add_parser("units", help="write systemd's files that stage a version at boot")
    place = units.add_mutually_exclusive_group(required=True)
    place.add_argument("--output", type=Path, metavar="DIR", help="/etc puts them in effect")
    arguments.earlier(place, "--to", dest="output", type=Path)
    for action in (stage, unstage, check, units):
        action.add_argument("version", nargs="?", metavar="VERSION", help="default: the current")


def run(options: argparse.Namespace, home: Home) -> int:
    """Do what was asked for."""
    from lab.golang.goroot import stage, systemd

    version = options.version or home.chosen().version
    if options.action == "stage":
        staged = stage.stage(home, version, size=_size(options.size), say=say)
        say(f"Go {version} at {staged.goroot} ({staged.words})")
        say(f'on PATH with: export PATH="{staged.goroot}/bin:{home.tree(version)}/bin:$PATH"')
        if options.watch:
            _watch(home, version)
    elif options.action == "unstage":
        gone = stage.unstage(home, version, lazy=options.lazy)
        say(f"Go {version}: {'its memory is given back' if gone else 'nothing was staged'}")
    elif options.action == "check":
        _check(home, version)
    else:
        for path in systemd.generate(home, version, options.output.absolute()):
            say(f"{path}")
        say("in effect at boot, from /etc, with: systemctl enable these two units")
    return 0


def _watch(home: Home, version: str) -> None:
    from lab.golang.goroot import stage, watching

    tree = home.installed(version)
    say(f"watching {tree}; Ctrl-C ends that, and the copy stays")
    for names in watching.changes(tree):
        say(f"{len(names)} changed, {names[0]} first" if len(names) > 1 else f"changed: {names[0]}")
        stage.stage(home, version, say=say)


def _check(home: Home, version: str) -> None:
    """Raises SourceError where a file is not what its sum says."""
    from lab.golang.goroot import home as homes
    from lab.golang.goroot import stage
    from lab.model.errors import SourceError

    tree = home.installed(version)
    staged = stage.of(home, version)
    found = {tree: homes.difference(home, version)}
    if staged is not None:
        found[staged.goroot] = stage.difference(staged)
    for place, difference in found.items():
        say(f"{place}: {difference or 'as its sums say'}")
    if any(found.values()):
        raise SourceError(
            f"Go {version} is not what was installed",
            remedy=f"lab goroot remove {version}, install it again, and stage it again",
        )


def _size(asked: str | None) -> int | None:
    from lab.model import units
    from lab.model.errors import InputError

    size = units.bytes_of(asked) if asked is not None else None
    if asked is not None and not size:
        raise InputError(f"--size {asked} is not a size", remedy="for example --size 512MiB")
    return size
