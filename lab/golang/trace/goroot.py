"""Sums over a trace: which files of GOROOT are touched, how often, how long, and what else is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.golang.trace.strace import Call

OPENS = frozenset({"open", "openat", "openat2"})
UNKNOWN = "unknown"  # perf without paths
CLASSES = (
    "GOROOT source",
    "GOROOT tools",
    "GOROOT compiled packages",
    "GOROOT other",
    "GOCACHE",
    "project",
    "other",
    UNKNOWN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One class of paths: calls by name, failed ones, different files, and time inside them."""

    kind: str
    calls: int
    opens: int
    failed: int
    files: int
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A trace in short. ``most`` are the files of GOROOT touched most often, ``names`` the calls by
    name: how many, and the seconds in them.
    """

    classes: tuple[Touched, ...]
    most: tuple[tuple[str, int], ...]
    names: tuple[tuple[str, int, float], ...]
    opens: int
    runtime_archive_opens: int

    @property
    def runtime_archive_share(self) -> float | None:
        """The share of opens whose path names a compiled runtime package, runtime.a."""
        return self.runtime_archive_opens / self.opens if self.opens else None


def classify(path: str, goroot: str, gocache: str, project: str) -> str:
    """The class of a path. ``project`` may be empty: then nothing belongs to it."""
    if inside := _below(path, goroot):
        top = inside.split("/")
        if top[0] == "src":
            return "GOROOT source"
        if top[0] == "bin" or top[:2] == ["pkg", "tool"]:
            return "GOROOT tools"
        return "GOROOT compiled packages" if inside.endswith(".a") else "GOROOT other"
    if path == gocache or _below(path, gocache):
        return "GOCACHE"
    if project and (path == project or _below(path, project) or not path.startswith("/")):
        return "project"
    return "other"


def summary(calls: Sequence[Call], *, goroot: str, gocache: str, project: str = "") -> Summary:
    """Sums by class of path, and over opens."""
    grouped: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        kind = classify(call.path, goroot, gocache, project) if call.path else UNKNOWN
        grouped[kind].append(call)
    inside = Counter(
        call.path for kind in CLASSES[:4] for call in grouped.get(kind, ()) if call.error is None
    )
    names = Counter(call.name for call in calls)
    opens = [call for call in calls if call.name in OPENS]
    archives = [call for call in opens if PurePosixPath(call.path).name == "runtime.a"]
    return Summary(
        classes=tuple(_touched(kind, grouped.get(kind, ())) for kind in CLASSES),
        most=tuple(inside.most_common(10)),
        names=tuple(
            (name, count, _seconds(call for call in calls if call.name == name))
            for name, count in names.most_common()
        ),
        opens=len(opens),
        runtime_archive_opens=len(archives),
    )


def _touched(kind: str, calls: Sequence[Call]) -> Touched:
    return Touched(
        kind=kind,
        calls=len(calls),
        opens=sum(call.name in OPENS for call in calls),
        failed=sum(call.error is not None for call in calls),
        files=len({call.path for call in calls}),
        took_s=_seconds(calls),
    )


def _seconds(calls: Iterable[Call]) -> float:
    """The time in calls; a call of unknown time counts as none."""
    return sum(call.took_s or 0.0 for call in calls)


def _below(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder and path.startswith(f"{folder}/") else ""
