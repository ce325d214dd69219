"""The smallest glibc and kernel, and the processor level, that an image needs, and who asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.images import elf
from lab.images.elves import File

LABELS = "io.imagelab.needs"
_PRIVATE = "GLIBC_PRIVATE"
_RELR = "GLIBC_ABI_DT_RELR"  # glibc 2.36 and later define it


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The largest version asked for, and the files (at most a few) that ask for it."""

    version: str
    askers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the ELF files of an image ask for. None: none of them asks.

    ``glibc`` leaves out what is part of the image's own glibc: files that need GLIBC_PRIVATE run
    with exactly the library that they came with.
    """

    glibc: Need | None = None
    libstdcxx: Need | None = None
    cxxabi: Need | None = None
    kernel: Need | None = None
    level: Need | None = None
    versions: Mapping[str, int] = field(default_factory=dict)

    def labels(self) -> dict[str, str]:
        """As labels of an image."""
        known = {"glibc": self.glibc, "libstdcxx": self.libstdcxx, "kernel": self.kernel}
        found = {f"{LABELS}.{name}": need.version for name, need in known.items() if need}
        if self.level is not None:
            found[f"{LABELS}.x86-64"] = f"v{self.level.version}"
        return found


def needs(files: Iterable[File]) -> Needs:
    """What these files ask for, together."""
    known = list(files)
    asked: dict[str, dict[str, list[str]]] = {}
    versions: dict[str, int] = {}
    kernels: dict[str, list[str]] = {}
    levels: dict[str, list[str]] = {}
    for file in known:
        facts, names = file.facts, {one.name for one in file.facts.versions if not one.weak}
        if facts.kernel is not None:
            kernels.setdefault(facts.kernel, []).append(file.path)
        if facts.level is not None:
            levels.setdefault(str(facts.level), []).append(file.path)
        if _PRIVATE in names:
            continue
        if _RELR in names:
            asked.setdefault("GLIBC", {}).setdefault("2.36", []).append(file.path)
        for name in names:
            versions[name] = versions.get(name, 0) + 1
            if (parts := elf.released(name)) is not None:
                asked.setdefault(parts[0], {}).setdefault(parts[1], []).append(file.path)
    return Needs(
        glibc=_largest(asked.get("GLIBC", {})),
        libstdcxx=_largest(asked.get("GLIBCXX", {})),
        cxxabi=_largest(asked.get("CXXABI", {})),
        kernel=_largest(kernels),
        level=_largest(levels),
        versions=versions,
    )


def _largest(asked: Mapping[str, list[str]]) -> Need | None:
    if not asked:
        return None
    version = max(asked, key=elf.ordered)
    return Need(version=version, askers=tuple(sorted(asked[version])[:5]))
