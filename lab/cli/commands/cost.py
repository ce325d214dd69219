"""`lab cost`: what each instruction of a Dockerfile costs, slowest first."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab.cli import arguments, near_files
from lab.cli.output import print_json, say_all, say_notes

COMMITS = 100


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument(
        "what",
        nargs="?",
        metavar="RUN|DOCKERFILE",
        help="default: Dockerfile, with the latest run that fits it",
    )
    verb.add_argument("--run", metavar="RUN", help="beside a Dockerfile: the run with its times")
    verb.add_argument("--context", type=Path, metavar="DIR", help="default: the file's folder")
    verb.add_argument(
        "--commits",
        type=arguments.positive,
        default=COMMITS,
        metavar="N",
        help=f"of the history that says what is rebuilt (default: {COMMITS})",
    )
    arguments.dockerfile(verb)
    verb.add_argument("--all", action="store_true", help="every instruction")
    arguments.results(verb)
    verb.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    """Tell what is dearest, and what of each instruction is known."""
    from lab.caching.cost.question import Question, answer
    from lab.caching.cost.render import as_json, lines
    from lab.engines import named
    from lab.model.errors import InputError
    from lab.results import runs

    file, name = _which(options)
    if file is not None and not file.is_file():
        raise InputError(f"there is no file {file}", remedy="name a Dockerfile, or a run")
    try:
        stored = runs.load(name, options.results) if name is not None else None
    except InputError as error:
        raise near_files.absent(str(name)) or error from error
    if stored is not None:
        say_notes(stored)
        if not stored.builds:
            raise runs.without_builds(stored)
    found, asked = answer(
        Question(
            dockerfile=file,
            stored=stored,
            context=options.context,
            engine=named.one_engine(options.engine) if options.engine else None,
            commits=options.commits,
            build_args=arguments.build_args(options.build_arg),
            target=options.target,
            results=options.results,
        )
    )
    if options.json:
        print_json(as_json(found, asked))
    else:
        say_all(lines(found, asked, every=options.all))
    return 0


def _which(options: argparse.Namespace) -> tuple[Path | None, str | None]:
    """The Dockerfile and the run: a word that is a file, or is called as one, is a Dockerfile."""
    if options.what is None:
        return (None, options.run) if options.run is not None else (Path("Dockerfile"), None)
    path = Path(options.what)
    if path.is_file() or "Dockerfile" in path.name:
        return path, options.run
    if options.run is None:
        return None, options.what
    from lab.model.errors import InputError

    raise InputError("a run beside --run", remedy="name a Dockerfile, or one run")
