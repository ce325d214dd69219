"""Rewrites whose gain no cache key shows: a tool's own cache kept between builds, a stated GOROOT.

A prediction counts steps that run; these may make a step that runs shorter. Only builds can say.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lab.caching.advise import text_edit
from lab.caching.advise.dockerfile_view import DockerfileView
from lab.caching.advise.rewrite import Rewrite
from lab.caching.advise.shell_commands import KNOWN, Command, commands
from lab.caching.advise.text_edit import short
from lab.dockerfile.cachekey.sources import operands
from lab.dockerfile.model import Instruction

ENGINES = ("docker", "podman")  # the first builder of docker has no mounts
_CAUTION = "needs BuildKit or podman; what lies in the mount is in no layer"


def cached(view: DockerfileView) -> Iterator[Rewrite]:
    """`RUN --mount=type=cache` for what a tool keeps between its runs."""
    for stage in view.parsed.stages:
        changes: list[tuple[Instruction, str]] = []
        places: dict[str, None] = {}
        modules = _modules(view, stage.index)
        for run in view.steps(stage.index):
            found = [] if run.mounts else list(_caches(view, run, modules))
            if found:
                flags = " ".join(f"--mount=type=cache,target={place}" for place in found)
                changes.append((run, flags))
                places |= dict.fromkeys(found)
        if not changes or any(view.taken(stage.index, place) for place in places):
            continue  # in the image, the cache's files would be missing
        yield Rewrite(
            kind="cache mount",
            why=f"{short(changes[-1][0])} starts each time without what it kept in "
            f"{' and '.join(places)}",
            dockerfile=text_edit.flagged(view.parsed, changes),
            caution=_CAUTION,
            measured=True,
            engines=ENGINES,
        )


def _caches(view: DockerfileView, run: Instruction, modules: str | None) -> Iterator[str]:
    """Where a RUN's programs keep what they need not make again."""
    found = commands(run) or []
    environment = view.environment(run)
    home = _home(view, run, environment)
    if any(_compiles(one) for one in found):
        place = environment.get("GOCACHE") or (home and f"{home}/.cache/go-build")
        if place and place.startswith("/"):
            yield place
    if modules is not None and any(one.program == "go" for one in found):
        yield modules
    if any(one.starts("npm", "ci") for one in found) and home:
        yield f"{home}/.npm"
    pips = [one for one in found if one.program in {"pip", "pip3"}]
    if any("--no-cache-dir" not in one.words for one in pips) and home:
        yield f"{home}/.cache/pip"


def _compiles(one: Command) -> bool:
    return one.program == "go" and one.words[1:2] in [("build",), ("install",), ("vet",), ("test",)]


def _home(view: DockerfileView, run: Instruction, environment: Mapping[str, str]) -> str | None:
    """Root's home, where nothing makes it another's."""
    users = [one for one in view.inherited(run) if one.keyword == "USER"]
    if users and users[0].operands not in {"root", "0", "0:0", "root:root"}:
        return None
    return None if {"HOME", "XDG_CACHE_HOME"} & set(environment) else "/root"


def _modules(view: DockerfileView, stage: int) -> str | None:
    """Where modules that this very stage downloads are kept; None where a mount could hide some.

    Modules that a base or another stage brought lie in the image's own folder: a mount would hide
    them.
    """
    runs = [one for one in view.steps(stage) if one.keyword == "RUN"]
    downloads = [
        run
        for run in runs
        if any(one.starts("go", "mod", "download") for one in commands(run) or [])
    ]
    if not downloads or view.parsed.stages[stage].parent is not None:
        return None
    if any(_hidden_from(run) for run in runs):
        return None
    environment = view.environment(downloads[0])
    path = "/go" if _golang(view, stage) else None
    path = environment.get("GOPATH", path)
    found = environment.get("GOMODCACHE") or (path and f"{path}/pkg/mod")
    return found if found and found.startswith("/") else None


def _hidden_from(run: Instruction) -> bool:
    """Whether a RUN that gets no mount may download modules or look for them."""
    found = commands(run)
    if found is None or any(one.program not in KNOWN for one in found):
        return True
    return bool(run.mounts) and any(one.program == "go" for one in found)


def _toolchain(copy: Instruction) -> bool:
    words = operands(copy) if copy.keyword == "COPY" and copy.flag("from") is not None else ()
    return len(words) == 2 and re.search(r"/go[\d.]*/?$", words[0]) is not None


def _golang(view: DockerfileView, stage: int) -> bool:
    """Whether a stage starts from an image that has a toolchain of its own."""
    base = re.sub(r"[:@].*", "", view.parsed.stages[stage].base)
    return base.rpartition("/")[2] == "golang"


def stated_goroot(view: DockerfileView) -> Iterator[Rewrite]:
    """ENV GOROOT where a toolchain was copied to a place of its own and go has to look for it."""
    for copy in view.parsed.instructions:
        place = view.place(copy) if _toolchain(copy) else None
        if place is None or place == "/usr/local/go":
            continue
        *around, first = [*view.below(copy), *view.inherited(copy)]
        if any(map(_toolchain, around)) or _golang(view, first.stage or 0):
            continue  # the other go would take this GOROOT for its own
        stated = {"GOROOT"} & set(view.environment(copy)) or any(
            one.keyword in {"ENV", "ARG"} and "GOROOT" in one.operands for one in view.below(copy)
        )
        runs = [one for one in view.below(copy) if re.search(r"\bgo\b", one.operands)]
        runs = [one for one in runs if one.keyword == "RUN"]
        if stated or not runs:
            continue
        inside = copy.stage in view.in_image
        written = text_edit.written(view.parsed, copy)
        yield Rewrite(
            kind="stated GOROOT",
            why=f"{short(copy)} puts a toolchain where go finds its GOROOT only by looking",
            dockerfile=text_edit.replaced(view.parsed, [(copy, [*written, f"ENV GOROOT={place}"])]),
            alters="the image's environment then has GOROOT" if inside else "",
            measured=True,
        )
