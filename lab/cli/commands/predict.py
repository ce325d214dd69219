"""`lab predict`: what an edit would rebuild, without building."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.output import print_json, say
from lab.engines import NAMES
from lab.model.errors import InputError
from lab.model.text_wrap import wrapped

if TYPE_CHECKING:
    from lab.caching.explain import Explanation

DEFAULT = tuple(name for name in NAMES if name != "simulated")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("dockerfile", type=Path, metavar="DOCKERFILE")
    verb.add_argument(
        "--context", type=Path, metavar="DIR", help="default: the Dockerfile's folder"
    )
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="PATH (its content), touch:PATH, chmod:PATH=MODE, chown:PATH=UID:GID, delete:PATH, "
        "rename:PATH=PATH, arg:NAME=VALUE, env:NAME=VALUE, text:N, base; each repeated one alone",
    )
    engines_and_arguments(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def engines_and_arguments(verb: argparse.ArgumentParser) -> None:
    """--engine NAME[=VERSION], --build-arg and --target."""
    verb.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[=VERSION]",
        help=f"by the rules of this version (default: newest); {', '.join(NAMES)}; repeatable",
    )
    verb.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    verb.add_argument("--target", metavar="STAGE")


def run(options: argparse.Namespace) -> int:
    """Predict, edit by edit, engine by engine."""
    from lab.caching import explain
    from lab.caching.predict import compare_builds, edit_arguments
    from lab.dockerfile.cachekey import by_clients, rules
    from lab.dockerfile.parser import parse
    from lab.engines import features

    given = compare_builds.inputs(
        options.dockerfile, options.context, pairs(options.build_arg), options.target
    )
    before = compare_builds.manifest(given)
    told: list[tuple[str, list[Explanation]]] = []
    kept_back: dict[str, tuple[str, ...]] = {}
    for text in options.edit or [""]:
        edited = edit_arguments.apply(text, given) if text else edit_arguments.Edited(inputs=given)
        after = compare_builds.manifest(edited.inputs, moved=edited.moved)
        kept_back[text] = edited.kept_back
        told.append(
            (
                text or "no edit",
                [
                    compare_builds.whatif(
                        before,
                        after,
                        by_clients(rules(name, version)),
                        name=name,
                    )
                    for name, version in engines(options.engine)
                ],
            )
        )
    if options.json:
        print_json({text: [explain.as_json(one) for one in found] for text, found in told})
        return 0
    for step, pattern in compare_builds.missing(before):
        say(f"{step[:60]} would fail: the context has no {pattern} (see its .dockerignore)")
    for name, version in engines(options.engine):
        lacks = features.lacks(
            name, version, parse(given.dockerfile, given.build_args), session=True
        )
        for line in wrapped(f"{name} cannot build this: {lacks[0]}") if lacks else ():
            say(line)
        for step in compare_builds.kept_back(before, rules(name, version)):
            say(f"{name}: {step[:50]} would see the Dockerfile in an archive,")
            say("  as lab run sends it; clients keep it back, as .dockerignore says")
    for text, found in told:
        say(f"edit {text}" if text != "no edit" else "built again without an edit")
        for path in kept_back.get(text, ()):
            say(f"  {path} is not sent: the ignore file keeps it back")
        for one in found:
            for line in explain.as_text(one, predicted=True, indent="  "):
                say(line)
    return 0


def engines(named: Sequence[str]) -> list[tuple[str, str]]:
    """Names and versions; every real engine where none is named."""
    found = [value.partition("=")[::2] for value in named] or [(name, "") for name in DEFAULT]
    for name, version in found:
        if name not in NAMES:
            raise InputError(f"no engine is named {name!r}", remedy=f"one of {', '.join(NAMES)}")
        if version and not re.fullmatch(r"v?\d+(\.\d+)*", version):
            raise InputError(f"{version!r} is no version of {name}", remedy="write podman=4.3.1")
    return found


def one_engine(named: Sequence[str]) -> tuple[str, str]:
    """The engine of a verb that has use for one alone; docker where none is named."""
    found = engines(named or ["docker"])
    if len(found) > 1:
        raise InputError("one engine at a time", remedy="name --engine once, and call it again")
    return found[0]


def pairs(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE options."""
    for text in given:
        if "=" not in text:
            raise InputError(f"--build-arg {text}: it has no value", remedy="write NAME=VALUE")
    return dict(text.partition("=")[::2] for text in given)
