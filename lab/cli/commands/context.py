"""`lab context`: what a build sends to an engine; of two such, why one machine misses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, print_text, say_all
from lab.model.errors import InputError

if TYPE_CHECKING:
    from lab.caching.manifests import Manifest
    from lab.caching.manifests.effects import Built

ENGINES = ("docker", "podman")  # where none is named


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "contexts",
        nargs="*",
        metavar="DIR|FILE",
        help="a folder (default: here); or two, each a folder or a manifest, to be compared",
    )
    verb.add_argument("-o", "--output", metavar="FILE", help="write the manifest; - prints it")
    verb.add_argument(
        "--dockerfile",
        type=Path,
        metavar="FILE",
        help="what is built from it (default: the folder's Dockerfile)",
    )
    arguments.dockerfile(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Write a manifest, or compare two."""
    named = options.contexts or ["."]
    if options.dockerfile is not None and not options.dockerfile.is_file():
        raise InputError(
            f"there is no file {options.dockerfile}", remedy="--dockerfile names a Dockerfile"
        )
    if len(named) > 2:
        raise InputError("lab context takes one context, or two", remedy="lab context A.json .")
    if len(named) == 2:
        if options.output is not None:
            raise InputError("--output beside two contexts", remedy="write each one's own first")
        return _compare(options, named)
    arguments.refuse(options, ("engine", "build_arg", "target"), "is for two contexts")
    return _write(options, Path(named[0]))


def _write(options: argparse.Namespace, folder: Path) -> int:
    from lab.caching.manifests import scan, write
    from lab.caching.manifests.render import summary_lines
    from lab.host import disk

    output = "-" if options.json and options.output is None else options.output
    target = None if output in {None, "-"} else Path(output)
    found = scan(folder, _dockerfile(options, folder), [] if target is None else [target])
    if output == "-":
        write(found.head, found.items, print_text)
        return 0
    if target is None:
        say_all(summary_lines(_short(str(folder)), write(found.head, found.items, len)))
        print_text("Nothing was written: -o FILE writes the manifest.\n")
        return 0
    with disk.whole(target, "name another file by --output") as file:
        summary = write(found.head, found.items, lambda text: file.write(text.encode()))
    say_all(summary_lines(str(target), summary))
    if target.resolve().is_relative_to(folder.resolve()):
        sys.stdout.flush()
        print_text("It lies in the context itself: left out here, but builds send it.\n")
    return 0


def _compare(options: argparse.Namespace, named: Sequence[str]) -> int:
    from lab.caching.manifests import differences
    from lab.caching.manifests.effects import effects
    from lab.caching.manifests.render import Compared, as_json, lines

    files = [Path(name) for name in named if not Path(name).is_dir()]
    one, other = (_manifest(options, Path(name), files) for name in named)
    groups = differences(one, other)
    built = _built(options, [Path(name) for name in named if Path(name).is_dir()], one)
    found = Compared(
        names=_names(*named),
        manifests=(one, other),
        groups=groups,
        effects=None if built is None else effects(one, groups, built),
    )
    if options.json:
        print_json(as_json(found))
    else:
        say_all(lines(found))
    return 0


def _manifest(options: argparse.Namespace, path: Path, files: Sequence[Path]) -> Manifest:
    from lab.caching.manifests import Manifest, read, scan

    if not path.is_dir():
        return read(path)
    found = scan(path, _dockerfile(options, path), files)
    return Manifest(head=found.head, items={one.path: one for one in found.items})


def _dockerfile(options: argparse.Namespace, folder: Path) -> str:
    """Where the Dockerfile lies in the folder; its name where it does not."""
    if options.dockerfile is None:
        return "Dockerfile"
    full, root = Path(options.dockerfile).resolve(), folder.resolve()
    if full.is_relative_to(root):
        return full.relative_to(root).as_posix()
    return full.name


def _built(options: argparse.Namespace, folders: Sequence[Path], one: Manifest) -> Built | None:
    """The Dockerfile that was named, else a folder's own; None where there is none."""
    from lab.caching.manifests.effects import Built
    from lab.caching.predict.inputs import read_text
    from lab.caching.replay.commit_predictor import parsed
    from lab.dockerfile.model import DockerfileError
    from lab.engines import named

    file = options.dockerfile
    if file is None:
        own = [folder / one.head.dockerfile for folder in folders]
        file = next((path for path in own if path.is_file()), None)
    if file is None:
        return None
    args = arguments.build_args(options.build_arg)
    dockerfile = parsed(read_text(file), str(file), args)
    try:
        dockerfile.target(options.target)
    except DockerfileError as error:
        raise InputError(f"{file}: {error}", remedy="--target takes one of its stages") from error
    return Built(
        dockerfile=dockerfile,
        build_args=args,
        target=options.target,
        engines=named.engine_versions(options.engine or ENGINES),
    )


def _names(one: str, other: str) -> tuple[str, str]:
    """How the sides are called: as short as tells them apart."""
    short = [_short(given) for given in (one, other)]
    return (one, other) if short[0] == short[1] else (short[0], short[1])


def _short(given: str) -> str:
    path = Path(given)
    if path.is_dir():
        return "the folder here" if given == "." else path.resolve().name
    return path.stem
