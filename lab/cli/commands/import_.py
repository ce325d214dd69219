"""`lab import`: builds made elsewhere become runs."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, say, say_all
from lab.model.errors import InputError
from lab.model.text_wrap import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lab.dockerfile.cachekey import CacheInputs
    from lab.dockerfile.model import Dockerfile
    from lab.engines.recorded.types import Recorded
    from lab.runner.recorded_builds import Found
    from lab.runner.recorded_runs import Kept

_AXIS = re.compile(r"([a-z][a-z0-9_-]{0,31})=(\S.{0,199})")
_TAG = re.compile(r":[^/:]*$")
SHOWN = 20


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE",
        help=".dockerbuild, --progress rawjson or plain, a log of podman, buildah, docker or a CI",
    )
    verb.add_argument(
        "--scenario",
        default="imported",
        metavar="NAME",
        help="what the runs' history goes by (default: imported)",
    )
    arguments.earlier(verb, "--name", dest="scenario")
    arguments.earlier(verb, "--axis", dest="cell", action="append")
    verb.add_argument(
        "--cell",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of these builds' cells, such as branch=main; repeatable",
    )
    verb.add_argument(
        "--together",
        action="store_true",
        help="all in one run of that name, to be compared and explained; else a run each",
    )
    verb.add_argument(
        "--dockerfile", type=Path, metavar="FILE", help="what was built, where a log has it not"
    )
    verb.add_argument(
        "--context", type=Path, metavar="DIR", help="the files it was built from: for lab explain"
    )
    verb.add_argument("--target", metavar="STAGE", help="of --dockerfile")
    verb.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Import files; of several, what is wrong with one does not keep the others out."""
    from lab.runner.recorded_runs import Library

    axes = _axes(options.cell)
    dockerfile, inputs = _built(options)
    library = Library(options.results, options.scenario)
    wrong: list[InputError] = []
    found = _each(options, axes, (dockerfile, inputs), wrong)
    if options.together:
        waiting = list(found)
        kept: Iterable[Kept] = library.keep_together(waiting) if waiting else ()
    else:
        kept = library.keep(found)
    if options.json:
        print_json({"builds": [_as_json(one) for one in kept]})
    else:
        _say(kept, options.scenario)
    if len(options.file) == 1 and wrong:
        raise wrong[0]
    for each in wrong:
        say(f"lab: {each.message}", on_error=True)
    if wrong:
        raise InputError(
            f"of {len(options.file)} files, {len(wrong)} could not be read to their end",
            remedy=f"{wrong[0].remedy}; what could be read is imported",
        )
    return 0


def _each(
    options: argparse.Namespace,
    axes: dict[str, str],
    built: tuple[Dockerfile | None, CacheInputs | None],
    wrong: list[InputError],
) -> Iterator[Found]:
    """The builds of all files; ``wrong`` learns of those that cannot be read."""
    for path in options.file:
        try:
            yield from _found(path, axes, *built, options.target)
        except InputError as error:
            wrong.append(error)


def _found(
    path: Path,
    axes: dict[str, str],
    dockerfile: Dockerfile | None,
    inputs: CacheInputs | None,
    target: str | None,
) -> Iterator[Found]:
    """The builds of a file. Several of one log are told apart by an axis ``build``."""
    from lab.engines.recorded import files
    from lab.runner.recorded_builds import found, source

    origin = source(path)
    waiting: Recorded | None = None
    count = 0
    for count, recorded in enumerate(files.read(path, dockerfile, target), 1):
        if waiting is not None:
            yield found(waiting, origin, _label(waiting, count - 1) | axes, inputs)
        waiting = recorded
    if waiting is not None:
        yield found(waiting, origin, _label(waiting, count if count > 1 else None) | axes, inputs)


def _label(recorded: Recorded, number: int | None) -> dict[str, str]:
    """What a build is of: bake's target, a Dockerfile or stage that is not the usual one, the
    image's name; in a log of several builds at least its number.
    """
    facts = recorded.facts
    dockerfile = facts.get("dockerfile", "Dockerfile")
    parts = [
        facts.get("bake_target", ""),
        "" if dockerfile == "Dockerfile" else dockerfile,
        facts.get("target", ""),
    ]
    name = facts.get("tag", "").split(",")[0]
    image = _TAG.sub("", name.removeprefix("docker.io/").removeprefix("localhost/"))
    found = " ".join(part for part in parts if part) or image or str(number or "")
    return {"build": found} if found else {}


def _axes(named: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in named:
        match = _AXIS.fullmatch(text)
        if match is None or match[1] in {"engine", "run", "phase", "round"}:
            raise InputError(
                f"--axis {text!r} is no axis of yours",
                remedy="write NAME=VALUE with a name of small letters, such as branch=main",
            )
        found[match[1]] = match[2]
    return found


def _built(options: argparse.Namespace) -> tuple[Dockerfile | None, CacheInputs | None]:
    """What was built, where the user says it: the Dockerfile, and what its context holds."""
    if options.dockerfile is None:
        if options.context is not None:
            options.dockerfile = options.context / "Dockerfile"
        else:
            arguments.refuse(
                options, ("target", "build_arg"), "needs a Dockerfile", "add --dockerfile FILE"
            )
            return None, None
    from lab.caching.predict import inputs as given
    from lab.dockerfile.model import DockerfileError
    from lab.dockerfile.parser import parse

    pairs = arguments.build_args(options.build_arg)
    if options.context is not None:
        told = given.read(options.dockerfile, options.context, pairs, options.target)
        return parse(told.dockerfile, pairs), given.cache_inputs(told)
    try:
        parsed = parse(given.read_text(options.dockerfile), pairs)
        parsed.target(options.target)
    except DockerfileError as error:
        raise InputError(f"{options.dockerfile}: {error}", remedy="correct it") from error
    return parsed, None


def _as_json(one: Kept) -> dict[str, object]:
    return {
        "run": one.run,
        "new": one.build is not None,
        "build": None if one.build is None else one.build.id,
        "origin": one.found.origin,
    }


def _say(kept: Iterable[Kept], name: str) -> None:
    """A line for each of the first builds, what the formats lack, and what to ask next."""
    from lab.model import units

    count = new = 0
    latest = ""
    unknown: dict[str, list[tuple[str, ...]]] = {}
    for count, one in enumerate(kept, 1):
        if one.build is not None:
            new, latest = new + 1, one.run
            unknown.setdefault(one.found.origin["format"], []).append(one.found.lacks)
        if count <= SHOWN:
            say(_line(one))
    if count > SHOWN:
        say(f"... and {count - SHOWN} more")
    if count:
        say(f"imported: {units.counted(new, 'build')}; {count - new} were here already")
    for form, lacks in unknown.items():
        say_all(wrapped(f"  {form}: unknown: {_lacking(lacks)}"))
    if new:
        say(f"  next: lab history --scenario {shlex.quote(name)}, lab report {latest}")


def _lacking(found: Sequence[tuple[str, ...]]) -> str:
    """What all builds of a format lack, and what some do."""
    parts = dict.fromkeys(part for one in found for part in one)
    every = [part for part in parts if all(part in one for one in found)]
    some = [part for part in parts if part not in every]
    return "; ".join([*every, *([f"of some {', '.join(some)}"] if some else [])])


def _line(one: Kept) -> str:
    from lab.model import units

    build, file = one.build, one.found.origin["file"]
    if build is None:
        return f"{one.run}: has {file} already"
    cache = build.cache
    hits = "" if cache is None else f", hits {cache.hits}/{cache.hits + cache.misses}"
    return f"{one.run}: {build.status}, {units.seconds(build.wall_s)}{hits}, {file}"
