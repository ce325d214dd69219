"""What is said of builds that failed: why, what the step printed last, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.dockerfile import stand_ins
from lab.images import names
from lab.images.sources.image_tar import REPOSITORY
from lab.model.cell_names import OWN
from lab.model.errors import BuildsFailed
from lab.model.events import Outcome
from lab.model.record import Build
from lab.report.formatting import clean, one_line
from lab.results.runs import StoredRun
from lab.scenario import own_project

_PRINTED = 5  # lines of a step's output, the last ones
_NOT_FOUND = re.compile(r"(?:code|status):? 127\b")
_PROGRAM = re.compile(r"(?:^|[\s:'\"])([\w.+/-]+)['\"]?: (?:command )?not found")
_WITH_GO = "1.22.10"


def error(
    failed: Sequence[Build], stored: StoredRun, *, told: bool, given: Mapping[str, str]
) -> BuildsFailed:
    """Of ``failed`` builds of a run; where their reasons are ``told`` already, without them.
    ``given`` are images that stand for references of the Dockerfile.
    """
    first = failed[0]
    said = f"{len(failed)} of {len(stored.builds)} builds failed, the first: {first.id}"
    if not told:
        said += f": {one_line(first.reason or 'no reason given', 500)}"
    printed = [line for line in clean(first.log_tail or "").splitlines() if line.strip()]
    if printed:
        lines = "\n    ".join(one_line(line, 200) for line in printed[-_PRINTED:])
        said += f"\n  it printed last:\n    {lines}"
    return BuildsFailed(said, remedy=_after(failed, stored, given))


def _after(failed: Sequence[Build], stored: StoredRun, given: Mapping[str, str]) -> str:
    """The next step."""
    if refs := _not_found(failed[0], stored.folder):
        words = [f"--base-image {ref}={image}" for ref, image in given.items()]
        words += [f"--base-image {ref}=IMAGE" for ref in refs]
        return (
            f"{' '.join(words)} builds on an image of the lab instead and asks no registry; IMAGE: "
            "a suite such as bookworm or bookworm+go1.22.10, an archive, docker:NAME or podman:NAME"
        )
    more = f"`lab diagnose {stored.folder}` shows what its steps printed"
    if failed[0].replay:
        more += f"; by hand: in {stored.folder}: {failed[0].replay}"
    lacks = _lacks(failed)
    return f"{lacks}; {more}" if lacks else more


def _lacks(failed: Sequence[Build]) -> str:
    """The program that bases have not, by the shell's own exit code for it; empty: none."""
    without: dict[str, list[str]] = {}
    for build in failed:
        if not _NOT_FOUND.search(build.reason or ""):
            continue
        step = next((one for one in build.steps if one.outcome is Outcome.FAILED), None)
        found = _PROGRAM.findall(clean(build.log_tail or ""))
        word = found[-1] if found else (step.instruction if step else "").partition(" ")[2]
        bases = without.setdefault(word.split(" ")[0], [])
        base = build.cell.get("base", OWN)
        bases += [base] if base not in bases else []
    if not without:
        return ""
    program, bases = next(iter(without.items()))
    if bases == [OWN]:
        return f"its base image has no {program}"
    said = f"{' and '.join(bases)} {'has' if len(bases) == 1 else 'have'} no {program}: "
    if program in {"go", "gofmt"} and all(base in names.SUITES for base in bases):
        return said + "name " + " ".join(f"{base}+go{_WITH_GO}" for base in bases)
    return said + "name a base that has it"


def _not_found(failed: Build, folder: Path) -> list[str]:
    """The images that a Dockerfile names, where its build failed for one of them before any step
    ran: engines say its name, but for Docker's first builder, which names the registry alone.
    """
    file = own_project.read(folder, failed.dockerfile) if failed.dockerfile else None
    if file is None or any(step.outcome in {Outcome.HIT, Outcome.MISS} for step in failed.steps):
        return []
    said, refs = (
        failed.reason or "",
        sorted(one for one in stand_ins.named(file) if not one.startswith(f"{REPOSITORY}:")),
    )
    parts = (ref.rpartition("/")[2].partition(":") for ref in refs)
    told = "registry" in said or any(name in said and tag in said for name, _, tag in parts)
    return refs if told else []
