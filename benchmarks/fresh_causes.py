"""Causes of what fresh engines ran again, held to how each case was made.

Run: ``python -m benchmarks.fresh_causes [--family docker|podman] [--case TEXT]``. Each case is a
project, an edit of it and a way in which its cache is, or is not, to be had; what must be named is
written here by hand, step by step. That these steps ran, random values in the image say.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh_projects import EDITS, PROJECTS, base
from lab.engines.registry import start_registry
from lab.model.events import Outcome
from lab.model.remote_cache import WELL
from tests.fresh_builds import Builds, Built, ran, roots

SOURCE, NEW = "1 file changed (src/a content)", "1 file changed (src/new added)"
MANIFEST, TEXT = "1 file changed (go.mod content)", "text changed: "
ARGUMENT = "ARG MODE changed fast → slow"
LAYERS = "its layers are not in the cache: "
UNASKED = "before 4.4 podman looks for no ARG"
UNREAD = "the cache could not be read: the registry "
FRESH = "a fresh engine, and no cache was restored"

Roots = Mapping[str, str]  # how a step begins: how its cause begins

# What must run again for itself on an engine that has all that the cold build left.
EDITED: Mapping[tuple[str, str], Roots] = {
    ("line", "source"): {"COPY src": SOURCE},
    ("line", "new file"): {"COPY src": NEW},
    ("line", "manifest"): {"COPY go.mod": MANIFEST},
    ("line", "argument"): {"RUN --mount=type=cache": ARGUMENT},
    ("line", "instruction"): {"RUN : edited": TEXT},
    ("fork", "source"): {"COPY src": SOURCE},
    ("fork", "new file"): {"COPY src": NEW},
    ("fork", "manifest"): {"COPY go.mod": MANIFEST},
    ("fork", "argument"): {"RUN : $MODE": ARGUMENT},
    ("fork", "instruction"): {"RUN : edited": TEXT},
    ("mounts", "source"): {"COPY src": SOURCE},
    ("mounts", "new file"): {"COPY src": NEW},
    ("mounts", "manifest"): {"COPY go.mod": MANIFEST},
    ("mounts", "argument"): {"RUN --mount=type=cache": ARGUMENT},
    ("mounts", "instruction"): {"RUN : edited": TEXT},
}
# What a cache of keys alone lacks beside: the first step of each stage whose layers are asked for.
WITHOUT_LAYERS: Mapping[tuple[str, str], Sequence[str]] = {
    ("line", "source"): ["RUN mkdir"],
    ("line", "new file"): ["RUN mkdir"],
    ("line", "manifest"): ["RUN mkdir"],
    ("line", "argument"): ["RUN mkdir"],
    ("line", "instruction"): [],
    ("fork", "source"): ["COPY go.mod"],
    ("fork", "new file"): ["COPY go.mod"],
    ("fork", "manifest"): [],
    ("fork", "argument"): ["COPY go.mod"],
    ("fork", "instruction"): ["COPY go.mod"],
    ("mounts", "source"): ["RUN mkdir"],
    ("mounts", "new file"): ["RUN mkdir"],
    ("mounts", "manifest"): ["RUN mkdir"],
    ("mounts", "argument"): ["RUN mkdir", "COPY src"],
    ("mounts", "instruction"): [],
}
# Where Podman before 4.4 comes to an ARG with all before it restored.
AT_ARGUMENT = {
    ("line", "nothing"), ("line", "source"), ("line", "new file"), ("line", "manifest"),
    ("line", "argument"), ("line", "instruction"), ("fork", "nothing"), ("fork", "source"),
    ("fork", "new file"), ("fork", "argument"), ("mounts", "nothing"), ("mounts", "argument"),
    ("mounts", "instruction"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fresh build. ``roots`` are the causes; with ``alone`` that is the cause of all others."""

    strategy: str
    project: str
    edit: str
    day: str = WELL
    tag: str | None = "main"
    roots: Roots | None = None
    alone: str = ""

    @property
    def name(self) -> str:
        """In words."""
        tag = "" if self.tag == "main" else f", restores {self.tag}"
        return f"{self.strategy} {self.project}, {self.edit}, registry {self.day}{tag}"


def docker_cases() -> Iterator[Case]:
    """Keys alone, whole caches after an edit, caches that cannot be read, none at all."""
    for (project, edit), roots_ in EDITED.items():
        lost = dict.fromkeys(WITHOUT_LAYERS[project, edit], LAYERS)
        yield Case(strategy="inline", project=project, edit=edit, roots={**roots_, **lost})
    for project in PROJECTS:
        for edit in ("source", "manifest"):
            roots_ = EDITED[project, edit]
            yield Case(strategy="stage-images", project=project, edit=edit, roots=roots_)
        for strategy in ("inline", "stage-images"):
            for day, said in (("absent", "does not answer"), ("refusing", "refuses access")):
                yield Case(
                    strategy=strategy, project=project, edit="source", day=day, alone=UNREAD + said
                )
            yield Case(
                strategy=strategy,
                project=project,
                edit="nothing",
                tag="another",
                alone=UNREAD + "has no such cache",
            )
        yield Case(strategy="inline", project=project, edit="source", tag=None, alone=FRESH)


def podman_cases() -> Iterator[Case]:
    """Edits, what no ARG is looked for, and caches that are not read or not there."""
    strategy = "podman-registry"
    for project in PROJECTS:
        for edit in EDITS:
            roots_ = dict(EDITED.get((project, edit), {}))
            if (project, edit) in AT_ARGUMENT:
                roots_["ARG MODE"] = UNASKED
            if roots_:
                yield Case(strategy=strategy, project=project, edit=edit, roots=roots_)
        for day, said in (
            ("absent", UNREAD + "does not answer"),
            ("refusing", UNREAD + "refuses access"),
            ("gone", "its layers are gone from the registry"),
        ):
            # Of these projects one begins a stage with an ARG: for that no registry is asked.
            asks_not = {"ARG MODE": UNASKED} if (day, project) == ("gone", "line") else None
            yield Case(
                strategy=strategy,
                project=project,
                edit="nothing",
                day=day,
                alone=said,
                roots=asks_not,
            )
        yield Case(strategy=strategy, project=project, edit="source", tag=None, alone=FRESH)


def wrong(case: Case, cold: Built, after: Built, named: Roots) -> list[str]:
    """What of a build's causes is not as the case was made, in words."""
    if after.outcome.status != "ok":
        return [f"{case.name}: {after.outcome.reason}"]
    found = []
    told = ran(after)
    for step, value in after.values.items():
        hit = cold.values[step] == value
        if (told[step] is Outcome.MISS) is hit:
            found.append(f"{case.name}: {step} was {'kept' if hit else 'made'}: {told[step]}")
    if case.alone:
        for step, said in named.items():
            own = (one for start, one in (case.roots or {}).items() if step.startswith(start))
            if not said.startswith(next(own, case.alone)):
                found.append(f"{case.name}: {step}: {said}")
        return found if named else [*found, f"{case.name}: nothing named"]
    left = dict(case.roots or {})
    for step, said in named.items():
        key = next((one for one in left if step.startswith(one)), None)
        if key is None or not said.startswith(left.pop(key)):
            found.append(f"{case.name}: {step}: {said}")
    return found + [f"{case.name}: {step}: not named" for step in left]


def main(argv: Sequence[str] | None = None) -> int:
    """Build all cases; 1 where any cause was named wrongly."""
    about = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.fresh_causes")
    families = {"docker": docker_cases, "podman": podman_cases}
    about.add_argument("--family", choices=tuple(families), action="append")
    about.add_argument("--case", default="", metavar="TEXT", help="those alone that it is in")
    options = about.parse_args(argv)
    failed = False
    for family in options.family or families:
        cases, bad = [one for one in families[family]() if options.case in one.name], []
        with (
            tempfile.TemporaryDirectory(prefix="lab-fresh-") as folder,
            start_registry(lambda _: None) as registry,
        ):
            builds = Builds(registry=registry, base=base(Path(folder)), folder=Path(folder))
            colds: dict[tuple[str, str], Built] = {}
            for case in sorted(cases, key=lambda one: (one.strategy, one.project)):
                at, before = (case.strategy, case.project), PROJECTS[case.project]
                place = f"{case.project}-"
                if at not in colds:
                    colds[at] = builds.build(family, case.strategy, before, save=f"{place}main")
                edited = EDITS[case.edit](before)
                tags = {"restore": place + case.tag} if case.tag else {}
                after = builds.build(family, case.strategy, edited, day=case.day, **tags)
                named = roots(colds[at], before, after, edited, family)
                found = wrong(case, colds[at], after, named)
                bad += found
                print("\n".join(found) or f"{case.name}: right", file=sys.stderr, flush=True)
        right = len(cases) - len({text.partition(": ")[0] for text in bad})
        print(f"{family}: {right} of {len(cases)} cases named rightly", flush=True)
        failed = failed or bool(bad)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
