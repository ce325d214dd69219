"""Which versions of the engines Debian's archive holds: apt's own index says, never a table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lab.host import debian
from lab.host.content_cache import Cache, Say
from lab.host.process import Argument, run
from lab.model.engine_name import Spec, matches
from lab.model.errors import EngineUnavailable, LabError, SourceError

PACKAGES: Mapping[str, str] = {"docker": "docker.io", "podman": "podman"}
# Asked in this order; a family's likeliest suite first (CI need not read three indexes for one).
SUITES = ("bookworm", "trixie", "sid")
_LIKELY = (
    ("docker@20", "bookworm"),
    ("docker@26", "trixie"),
    ("docker@28", "sid"),
    ("podman@4", "bookworm"),
    ("podman@5.4", "trixie"),
    ("podman@5", "sid"),
)
FRESH_S = 24 * 3600.0
_LIMIT_S = 300.0


def locate(spec: Spec, cache: Cache, say: Say) -> tuple[str, str]:
    """The suite that holds this version of an engine, and the package's whole version.

    Raises EngineUnavailable where no suite does, with those that there are; SourceError where the
    archive cannot be asked.
    """
    package = PACKAGES[spec.program]
    name = f"{spec.program}@{spec.version}"
    likely = next((suite for start, suite in _LIKELY if name.startswith(start)), None)
    for suite in sorted(SUITES, key=lambda suite: suite != likely):
        version = versions(suite, cache, say).get(package, "")
        if matches(spec.version, version):
            return suite, version
    held = ", ".join(
        f"{plain(found)} ({suite})"
        for suite in SUITES
        if (found := versions(suite, cache, say).get(package))
    )
    raise EngineUnavailable(
        f"{spec.text}: the archive has no {package} {spec.version}; it has {held}",
        remedy=f"name one of those, or a root folder that has it: {spec.family}@/path/to/root",
    )


def versions(suite: str, cache: Cache, say: Say) -> Mapping[str, str]:
    """Package -> version in a suite, by an index of today. Raises SourceError."""
    source = apt_source(suite)
    if (known := known_versions(suite, cache)) is not None:
        return known
    say(f"reading the package index of {suite}")
    with cache.temporary() as folder:
        found = _asked(source, folder)
    if not found:
        raise SourceError(
            f"the archive's index of {suite} names no engine", remedy="name another mirror to apt"
        )
    text = json.dumps({"at": time.time(), "source": source, "versions": found})
    cache.file(_place(suite, cache), lambda out: _written(out.write(text.encode())))
    return found


def known_versions(suite: str, cache: Cache) -> Mapping[str, str] | None:
    """What the last reading of a suite's index said; None where that is too long ago."""
    with suppress(OSError, ValueError, KeyError, TypeError, SourceError):
        source = apt_source(suite)
        told = json.loads(_place(suite, cache).read_text(encoding="utf-8"))
        if told["source"] == source and 0 <= time.time() - told["at"] < FRESH_S:
            return {str(name): str(version) for name, version in told["versions"].items()}
    return None


def apt_source(suite: str) -> str:
    """The host's mirror of a suite, main archive alone: security archives list files long gone.

    Raises SourceError on a host that takes no archive of Debian's.
    """
    mirror = debian.mirror()
    if mirror is None:
        raise SourceError(
            "engines of other versions come out of Debian's archive, which this host does not use",
            remedy="use a Debian host, or name a root folder that has it: docker@/path/to/root",
        )
    return f"deb {mirror} {suite} main"


def plain(version: str) -> str:
    """A package's version as its program tells it: 20.10.24+dfsg1-1+deb12u1 is 20.10.24."""
    return version.rpartition(":")[2].partition("+")[0].partition("-")[0]


def _place(suite: str, cache: Cache) -> Path:
    return cache.root / "entries" / f"index-{suite}.json"


def _written(_: int) -> None:
    """``Cache.file`` takes writers that return nothing."""


def _asked(source: str, folder: Path) -> Mapping[str, str]:
    """A suite's index by apt, in a state folder of its own: the host's apt is left alone."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    (folder / "sources.list").write_text(f"{source}\n", encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": lists,
        "Dir::Cache": folder / "cache",
        "Acquire::Check-Valid-Until": "false",  # a mirror of a moving suite may be weeks old
        "Acquire::Languages": "none",
        "Acquire::GzipIndexes": "false",
        "APT::Update::Error-Mode": "any",  # else a suite that cannot be fetched is only a warning
        "APT::Sandbox::User": "root",  # the folder is ours alone
    }
    command: list[Argument] = ["apt-get", "update", "-qq"]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    try:
        run(command, timeout_s=_LIMIT_S)
    except LabError as error:
        raise SourceError(
            f"the archive's index cannot be read ({source}): {error.message}",
            remedy="check that the distribution's mirror is in reach, then try again",
        ) from error
    wanted = frozenset(PACKAGES.values())
    return {
        name: version
        for path in lists.glob("*_Packages")
        for name, version in _paragraphs(path)
        if name in wanted
    }


def _paragraphs(path: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each package of an index (deb-control(5): a paragraph for each)."""
    name = ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("Package: "):
                name = line[9:].strip()
            elif line.startswith("Version: "):
                yield name, line[9:].strip()
