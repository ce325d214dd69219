"""`lab goroot stage`, `unstage`, `check` and `units`: copies in memory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli.output import say

if TYPE_CHECKING:
    from lab.golang.goroot.home import Home
    from lab.golang.goroot.stage import Staged


def options(actions: Any) -> None:
    """The arguments of these actions."""
    stage = actions.add_parser("stage", help="copy a version into memory, or renew its copy")
    stage.add_argument("--tmpfs", action="store_true", help="in a tmpfs, which is the default")
    stage.add_argument("--size", metavar="SIZE", help="the limit, such as 512MiB")
    stage.add_argument(
        "--watch", action="store_true", help="stay, and renew the copy whenever the version changes"
    )
    unstage = actions.add_parser("unstage", help="give a copy's memory back")
    unstage.add_argument("--lazy", action="store_true", help="although processes still use it")
    check = actions.add_parser("check", help="compare every file with its sum")
    units = actions.add_parser("units", help="write systemd's files that stage a version at boot")
    units.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="/etc puts them in effect"
    )
    for action in (stage, unstage, check, units):
        action.add_argument("version", nargs="?", metavar="VERSION", help="default: the current")


def run(options: argparse.Namespace, home: Home) -> int:
    """Do what was asked for."""
    from lab.golang.goroot import stage, systemd

    version = options.version or home.chosen().version
    if options.action == "stage":
        staged = stage.stage(home, version, size=_size(options.size), say=say)
        say(f"Go {version} at {staged.goroot} ({text(staged)})")
        say(f'on PATH with: export PATH="{staged.goroot}/bin:{home.tree(version)}/bin:$PATH"')
        if options.watch:
            _watch(home, version)
    elif options.action == "unstage":
        gone = stage.unstage(home, version, lazy=options.lazy)
        say(f"Go {version}: {'its memory is given back' if gone else 'nothing was staged'}")
    elif options.action == "check":
        _check(home, version)
    else:
        for path in systemd.generate(home, version, options.to.absolute()):
            say(f"{path}")
        say("in effect at boot, from /etc, with: systemctl enable these two units")
    return 0


def text(staged: Staged) -> str:
    """A copy in a few words."""
    from lab.model import units

    rights = "read-only" if staged.read_only else "writable"
    return (
        f"{staged.means}, {rights}, copy {staged.tree}, "
        f"{units.size(staged.used)} of {units.size(staged.limit)}"
    )


def to_json(staged: Staged) -> dict[str, Any]:
    """A copy for programs; sizes in bytes."""
    return {
        "version": staged.version,
        "goroot": str(staged.goroot),
        "means": staged.means,
        "copy": staged.tree,
        "used": staged.used,
        "limit": staged.limit,
        "read_only": staged.read_only,
    }


def staged(home: Home, version: str) -> bool:
    """Whether a version has a copy in memory."""
    from lab.golang.goroot import stage

    return stage.of(home, version) is not None


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
        raise InputError(f"--size {asked} is no size", remedy="for example --size 512MiB")
    return size
