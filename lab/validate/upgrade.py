"""Two images side by side: what the step from one base to the next changes. Pure but for reading.

Everything is read out of the layers; nothing of the images is run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lab.images import accounts
from lab.images.needs import Need
from lab.images.opened import Opened
from lab.model import units
from lab.validate.binaries import libraries, symbols, system_calls
from lab.validate.changes import Change, Section, Upgrade, changes, named
from lab.validate.inspect import Inspection, inspect

_PLACES = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")


def upgrade(before: Opened, after: Opened) -> Upgrade:
    """The step from one image to another."""
    return Upgrade(
        before=before.name,
        after=after.name,
        sections=tuple(_sections(inspect(before), inspect(after))),
    )


def _sections(old: Inspection, new: Inspection) -> Iterator[Section]:
    yield _needs(old, new)
    yield _layers(old, new)
    yield _size(old, new)
    yield named("packages", old.hygiene.packages, new.hygiene.packages, "another version")
    yield libraries(old, new)
    yield symbols(old, new)
    yield system_calls(old, new)
    yield named("commands", _commands(old), _commands(new), "")
    yield _rights(old, new)
    yield named(
        "users and groups",
        accounts.accounts(old.image.contents),
        accounts.accounts(new.image.contents),
        "another number, home or shell",
    )
    yield _trust(old, new)
    yield named("settings", _settings(old.image), _settings(new.image), "another value")


def _needs(old: Inspection, new: Inspection) -> Section:
    def facts(seen: Inspection) -> dict[str, str]:
        need = seen.needs
        rows: dict[str, str | None] = {
            "glibc": seen.glibc,
            "Go": seen.go,
            "smallest glibc that its files need": _version(need.glibc),
            "smallest libstdc++ (GLIBCXX)": _version(need.libstdcxx),
            "oldest kernel by ABI notes": _version(need.kernel),
            "processor (x86-64 level)": _version(need.level),
        }
        return {name: value for name, value in rows.items() if value is not None}

    glibc = f"{old.glibc or 'none'} \u2192 {new.glibc or 'none'}"
    return Section(
        name="glibc",
        headline=glibc if old.glibc != new.glibc else f"{old.glibc or 'none'} in both",
        changes=changes(facts(old), facts(new)),
    )


def _version(need: Need | None) -> str | None:
    return None if need is None else need.version


def _layers(old: Inspection, new: Inspection) -> Section:
    """What of the old layers the new base still has: builders compare layers from the lowest."""
    ours, theirs = old.image.layers, new.image.layers
    shared = 0
    for one, other in zip(ours, theirs, strict=False):
        if one.digest != other.digest:
            break
        shared += 1
    fresh = sum(layer.size for layer in theirs[shared:])
    if ours == theirs:
        headline = "the same layers: nothing is built again"
    else:
        headline = (
            f"{shared} of {len(ours)} layers stay; every step after FROM is made again in every "
            f"build, and {units.size(fresh)} are pulled anew"
        )
    listed = [
        Change(name=f"sha256:{one.digest}", before=units.size(one.size)) for one in ours[shared:]
    ]
    listed += [
        Change(name=f"sha256:{one.digest}", after=units.size(one.size)) for one in theirs[shared:]
    ]
    return Section(
        name="layers",
        headline=headline,
        changes=tuple(listed),
        remark="a builder takes a step from its cache only where the image below it is the same",
    )


def _size(old: Inspection, new: Inspection) -> Section:
    def facts(seen: Inspection) -> dict[str, str]:
        clean = seen.hygiene
        files = seen.elves.files.values()
        return {
            "files, all layers": units.size(clean.size),
            "covered by later layers": units.size(clean.wasted),
            "ELF files": str(len(files)),
            "programs": str(sum(one.facts.program for one in files)),
            "packages": str(len(clean.packages)),
        }

    was, now = old.hygiene.size, new.hygiene.size
    sign = "+" if now >= was else "-"
    share = f", {sign}{units.percent(abs(now - was) / was)}" if was else ""
    return Section(
        name="size",
        headline=f"{units.size(was)} \u2192 {units.size(now)} "
        f"({sign}{units.size(abs(now - was))}{share})",
        changes=changes(facts(old), facts(new)),
    )


def _commands(seen: Inspection) -> dict[str, str]:
    """Programs and scripts on PATH, by name."""
    found: dict[str, str] = {}
    held = seen.image.contents
    for path, node in held.nodes.items():
        folder, name = posixpath.split(path)
        if folder in _PLACES and not node.folder and (node.mode & 0o111 or node.symlink):
            found.setdefault(name, "there")
    return found


def _rights(old: Inspection, new: Inspection) -> Section:
    def facts(seen: Inspection) -> dict[str, str]:
        clean = seen.hygiene
        kinds = (
            ("setuid", clean.setuid),
            ("setgid", clean.setgid),
            ("world-writable", clean.world_writable),
        )
        return {f"{kind} {path}": "there" for kind, paths in kinds for path in paths}

    return named("setuid and writable", facts(old), facts(new), "")


def _trust(old: Inspection, new: Inspection) -> Section:
    was, now = (accounts.certificates(one.image.contents) for one in (old, new))
    facts = [
        {
            "bundle": one.hygiene.certificates or "none",
            "time zones": "present" if one.hygiene.time_zones else "none",
        }
        | {f"certificate {name}": "trusted" for name in names}
        for one, names in ((old, was), (new, now))
    ]
    return Section(
        name="certificates",
        headline=f"{len(was)} \u2192 {len(now)} certificate authorities; time zones "
        f"{facts[0]['time zones']} \u2192 {facts[1]['time zones']}",
        changes=changes(facts[0], facts[1]),
    )


def _settings(image: Opened) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in image.settings.items():
        if key == "Env":
            pairs = (str(one).partition("=") for one in value or ())
            found |= {f"Env {name}": text for name, _, text in pairs}
        elif value and key != "Labels":
            found[key] = str(value)
    return found
