"""`lab predict`: what an edit would rebuild, without building."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, say
from lab.model.text_wrap import wrapped

if TYPE_CHECKING:
    from lab.caching.explain import Explanation


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
    arguments.dockerfile(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Predict, edit by edit, engine by engine."""
    from lab.caching import explain
    from lab.caching.predict import compare_builds, edit_arguments
    from lab.dockerfile.cachekey import by_clients, rules
    from lab.dockerfile.parser import parse
    from lab.engines import features

    given = compare_builds.inputs(
        options.dockerfile, options.context, arguments.build_args(options.build_arg), options.target
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
                    for name, version in arguments.engine_versions(options.engine)
                ],
            )
        )
    if options.json:
        print_json({text: [explain.as_json(one) for one in found] for text, found in told})
        return 0
    for step, pattern in compare_builds.missing(before):
        say(f"{step[:60]} would fail: the context has no {pattern} (see its .dockerignore)")
    for name, version in arguments.engine_versions(options.engine):
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
