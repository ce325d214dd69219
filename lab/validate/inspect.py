"""What an image says of itself: everything that is known without running anything of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.images import goroot, hostile
from lab.images.elves import Elves, elves
from lab.images.hygiene import Hygiene, hygiene
from lab.images.loader import Loader
from lab.images.needs import Need, Needs, needs
from lab.images.opened import Opened
from lab.model import units
from lab.model.finding import Finding

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FATAL = frozenset({"path-escapes", "unreadable-image", "entry-missing", "entry-damaged"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One image looked at. ``fatal`` are the findings because of which nothing of it runs."""

    image: Opened
    glibc: str | None
    musl: str | None
    go: str | None
    goroot: goroot.Goroot
    elves: Elves
    needs: Needs
    hygiene: Hygiene
    findings: tuple[Finding, ...]
    fatal: tuple[Finding, ...]
    entry: str | None


def inspect(image: Opened) -> Inspection:
    """Look at an image."""
    held, found = image.contents, elves(image.contents)
    glibc = held.glibc()
    path = variables(image).get("LD_LIBRARY_PATH", "")
    folders = [one for one in path.split(":") if one]
    loader = Loader(held, found, glibc=glibc, library_path=folders)
    entry, of_entry = _entry(image, found, loader)
    root = goroot.goroot(image)
    findings = (
        *hostile.findings(held),
        *_damaged(found),
        *loader.findings(),
        *of_entry,
        *goroot.findings(image, root),
    )
    fatal = [one for one in findings if one.rule in FATAL and one.level == "error"]
    fatal += [
        one
        for one in findings
        if entry is not None and one.place == f"/{entry}" and one.level == "error"
    ]
    return Inspection(
        image=image,
        glibc=glibc,
        musl=held.musl(),
        go=held.go(),
        goroot=root,
        elves=found,
        needs=needs(found.files.values()),
        hygiene=hygiene(image),
        findings=tuple(dict.fromkeys(findings)),
        fatal=tuple(dict.fromkeys(fatal)),
        entry=entry,
    )


def variables(image: Opened) -> dict[str, str]:
    """The environment that the image sets."""
    return dict(str(one).partition("=")[::2] for one in image.settings.get("Env") or ())


def _damaged(found: Elves) -> Iterator[Finding]:
    for one in found.damaged:
        library = ".so" in one.path.rpartition("/")[2]
        runs = bool(one.mode & 0o111) or library
        yield Finding(
            rule="damaged-elf",
            level="note" if one.hidden or not runs else "error",
            place=f"/{one.path}",
            message=f"in layer {one.layer + 1}, {one.why}",
            remedy="copy the file again and compare its checksum",
        )


def _entry(image: Opened, found: Elves, loader: Loader) -> tuple[str | None, tuple[Finding, ...]]:
    """The program that the image starts, and what keeps it from starting."""
    command = [*(image.settings.get("Entrypoint") or ()), *(image.settings.get("Cmd") or ())]
    if not command:
        return None, ()
    name = str(command[0])
    real = _program(image, name)
    if real is None:
        said = Finding(
            rule="entry-missing",
            level="error",
            place=name if name.startswith("/") else f"/{name}",
            message=f"the image starts {name}, which is not in it",
            remedy="mend ENTRYPOINT or CMD, or copy the program",
        )
        return None, (said,)
    if (file := found.files.get(real)) is not None:
        return real, tuple(loader.program(file))
    data = image.contents.data(image.contents.nodes[real], 256)
    if not data.startswith(b"#!"):
        return real, ()
    words = data[2:].split(b"\n")[0].split()
    interpreter = words[0].decode(errors="replace") if words else ""
    shell = image.contents.real(interpreter)
    if shell is None or shell not in image.contents.nodes:
        said = Finding(
            rule="missing-interpreter",
            level="error",
            place=f"/{real}",
            message=f"is a script for {interpreter}, which is not in the image",
            remedy="take a base that has it, or another entry point",
        )
        return real, (said,)
    return (
        (shell, tuple(loader.program(found.files[shell]))) if shell in found.files else (real, ())
    )


def _program(image: Opened, name: str) -> str | None:
    folders: Sequence[str] = variables(image).get("PATH", _PATH).split(":")
    tries = [name] if "/" in name else [f"{folder}/{name}" for folder in folders]
    if "/" in name and not name.startswith("/"):
        tries = [f"{image.settings.get('WorkingDir') or '/'}/{name}"]
    for one in tries:
        real = image.contents.real(one)
        if real is not None and real in image.contents.nodes:
            return real
    return None


def facts(seen: Inspection) -> tuple[tuple[str, str], ...]:
    """The image on a few lines, for people."""
    clean, needed = seen.hygiene, seen.needs
    programs = [one for one in seen.elves.files.values() if one.facts.program]
    static = sum(one.facts.static for one in programs)
    layers = ", ".join(units.size(one) for one in clean.layers)
    soft = sum(one.facts.executable_stack is True for one in seen.elves.files.values())
    return (
        ("glibc", f"{seen.glibc or 'none'}; needs {_need(needed.glibc)}"),
        *((("musl", seen.musl),) if seen.musl else ()),
        ("libstdc++", f"needs GLIBCXX_{_need(needed.libstdcxx)}" if needed.libstdcxx else "unused"),
        ("kernel", f"needs {_linux(needed.kernel)} by its ABI notes"),
        ("processor", f"needs x86-64-v{_need(needed.level)}" if needed.level else "not stated"),
        (
            "ELF files",
            f"{len(seen.elves.files)} ({len(programs)} programs, {static} static), "
            f"{len(seen.elves.hidden)} covered by later layers, {len(seen.elves.damaged)} damaged, "
            f"{sum(one.facts.relr for one in seen.elves.files.values())} with RELR, "
            f"{sum(one.facts.pie for one in programs)} PIE, {soft} with an executable stack",
        ),
        (
            "size",
            f"{units.size(clean.size)} in {units.counted(len(clean.layers), 'layer')} ({layers})",
        ),
        ("wasted", _wasted(clean)),
        ("setuid", _some(clean.setuid)),
        ("setgid", _some(clean.setgid)),
        ("world-writable", _some(clean.world_writable)),
        ("user", f"{clean.user or 'root (none is set)'}"),
        ("certificates", clean.certificates or "none"),
        ("time zones", "present" if clean.time_zones else "none"),
        ("dates", "clamped" if clean.clamped else "not clamped: some are later than the epoch"),
        ("packages", str(len(clean.packages)) if clean.packages else "none listed"),
        ("Go", _go(seen)),
    )


def _go(seen: Inspection) -> str:
    root = seen.goroot
    if not root.found:
        return "none"
    ways = (
        ("GOROOT", root.environment),
        ("the command's path", root.by_path),
        ("the usual place", root.standard),
    )
    by = ", ".join(f"by {name} {path}" for name, path in ways if path)
    state = f"lacks {', '.join(root.missing)}" if root.missing else "complete"
    return f"{seen.go or 'version unknown'}: {by or 'a command alone'}; {state}"


def _wasted(clean: Hygiene) -> str:
    if not clean.wasted:
        return "nothing"
    most = ", ".join(f"{path} {units.size(size)}" for path, size in clean.wasted_by[:3])
    return f"{units.size(clean.wasted)}, most of it {most}"


def _need(need: Need | None) -> str:
    if need is None:
        return "none"
    return f"{need.version} (/{need.askers[0]})"


def _linux(need: Need | None) -> str:
    return "no certain Linux" if need is None else f"Linux {_need(need)}"


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:8])
    more = f" and {len(paths) - 8} more" if len(paths) > 8 else ""
    return f"{len(paths)}: {shown}{more}" if paths else "none"
