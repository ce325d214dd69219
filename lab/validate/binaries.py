"""What a base upgrade changes for programs: libraries, their symbols, the C library's calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.images import elf
from lab.images.elf import Symbol
from lab.images.elves import File
from lab.images.opened import Opened
from lab.validate.changes import Change, Section, changes
from lab.validate.inspect import Inspection
from lab.validate.probes import TABLE

# The libraries by which programs reach the kernel: the C library's own.
_LIBC = frozenset(
    {"libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2"}
)


def _shared(seen: Inspection) -> dict[str, File]:
    """The libraries that others can load, by the name that they ask for."""
    return {
        file.facts.soname: file
        for file in seen.elves.files.values()
        if file.facts.soname and file.facts.kind == "shared" and file.facts.bits == 64
    }


def libraries(old: Inspection, new: Inspection) -> Section:
    def named(seen: Inspection) -> dict[str, str]:
        return {name: f"/{file.path}" for name, file in _shared(seen).items()}

    was, now = named(old), named(new)
    found = tuple(one for one in changes(was, now) if one.before is None or one.after is None)
    lost = sum(one.after is None for one in found)
    return Section(
        name="libraries",
        headline=f"{lost} lost, {len(found) - lost} new" if found else "the same",
        changes=found,
        remark="by soname: what was linked against one that is lost does not start",
    )


def symbols(old: Inspection, new: Inspection) -> Section:
    """Symbols of the libraries that both have, and the symbol versions of the C library."""
    was, now = _shared(old), _shared(new)
    listed: list[Change] = []
    fresh = lost = 0
    for name in sorted(was.keys() & now.keys()):
        before, after = _given(old.image, was[name]), _given(new.image, now[name])
        if before is None or after is None:
            continue
        gone, come = before.keys() - after.keys(), after.keys() - before.keys()
        lost, fresh = lost + len(gone), fresh + len(come)
        listed += [Change(name=f"{one} of {name}", before="there") for one in sorted(gone)]
        if name in _LIBC:
            listed += [Change(name=f"{one} of {name}", after="there") for one in sorted(come)]
    versions = changes(_libc_versions(was), _libc_versions(now))
    return Section(
        name="symbols",
        headline=f"{lost} lost, {fresh} new in the libraries that both have; the C library's "
        f"versions: {_words([one.name for one in versions if one.before is None]) or 'none'} new, "
        f"{_words([one.name for one in versions if one.after is None]) or 'none'} lost",
        changes=(*versions, *listed),
        remark="new ones are listed for the C library alone; private symbols are left out",
    )


def _given(image: Opened, file: File) -> Mapping[str, Symbol] | None:
    with image.contents.stream(image.contents.nodes[file.path]) as stream:
        try:
            found = elf.given(stream)
        except elf.NotElf:
            return None
    if found is None:
        return None
    return {one.words: one for one in found if "PRIVATE" not in one.version.upper()}


def _libc_versions(shared: Mapping[str, File]) -> dict[str, str]:
    file = shared.get("libc.so.6")
    names = () if file is None else file.facts.defined
    return {name: "there" for name in names if elf.released(name) is not None}


def system_calls(old: Inspection, new: Inspection) -> Section:
    """System calls that the C library's code has and the older one's had not."""
    was, now = _calls(old), _calls(new)
    if was is None or now is None:
        return Section(
            name="system calls", headline="not read: an image has no C library of x86-64"
        )
    listed = []
    for name in sorted(now.keys() - was.keys()):
        known = TABLE.get(name)
        since = (
            f"since Linux {known.since}" if known else "older than Linux 5.0 or not in the table"
        )
        by = f", by {_words(now[name])}" if now[name] else ", inside the library"
        listed.append(Change(name=name, after=since + by))
    return Section(
        name="system calls",
        headline=f"newly used: {_words([one.name for one in listed]) or 'none'}",
        changes=tuple(listed),
        remark="read out of the C library's machine code: what is in it can be called, and a call "
        "that the kernel or a profile refuses limits it; that a call is gone does not show",
    )


def _calls(seen: Inspection) -> dict[str, tuple[str, ...]] | None:
    found: dict[str, set[str]] = {}
    for name, file in _shared(seen).items():
        if name not in _LIBC:
            continue
        held = seen.image.contents
        with held.stream(held.nodes[file.path]) as stream:
            try:
                made = elf.calls(stream)
            except elf.NotElf:
                continue
        for call, functions in ({} if made is None else made.functions).items():
            found.setdefault(call, set()).update(functions)
    return {name: tuple(sorted(by)) for name, by in found.items()} or None


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)
