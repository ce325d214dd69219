"""What `lab advise`, `predict` and `why` share: Dockerfiles, findings at their lines in the forms
of CI systems, and the exit code that they mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from lab.cli import arguments, forms
from lab.cli.output import before_the_answer
from lab.model.errors import FindingsFound, InputError
from lab.model.finding import LEVELS, Level, at_least

if TYPE_CHECKING:
    from lab.cli.forms import Form
    from lab.model.finding import Finding

DOCKERFILE = Path("Dockerfile")
FORMATS = ("json", "markdown", "github", "gitlab", "sarif")


class Answer(Protocol):
    """What is said of one Dockerfile; its text is what people read."""

    @property
    def place(self) -> str: ...

    def findings(self) -> list[Finding]: ...

    def _repr_markdown_(self) -> str: ...


A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Generic[A]):
    """What is said of each Dockerfile, the forms that it is asked for in, and those Dockerfiles
    that cannot be read as one.
    """

    told: tuple[A, ...]
    refused: tuple[tuple[InputError, Finding], ...]
    forms: tuple[Form, ...]


def options(verb: argparse.ArgumentParser, *, several: bool = True) -> None:
    """The Dockerfiles, how they are read, --format, --json and --fail-on.

    Unless ``several``: one. Where none is named it is the folder's own.
    """
    verb.add_argument(
        "dockerfile",
        type=Path,
        nargs="*" if several else "?",
        default=[DOCKERFILE] if several else DOCKERFILE,
        metavar="DOCKERFILE",
        help="default: Dockerfile",
    )
    verb.add_argument("--context", type=Path, metavar="DIR", help="default: the file's folder")
    arguments.dockerfile(verb)
    forms.option(verb, FORMATS)
    verb.add_argument(
        "--fail-on",
        choices=LEVELS,
        metavar="LEVEL",
        help=f"end with exit code {FindingsFound.exit_code} where a finding is of this level or "
        f"worse: {', '.join(LEVELS)} (default: never)",
    )


def ask(options: argparse.Namespace, question: Callable[[Path], A]) -> Answers[A]:
    """Ask of each Dockerfile. One that cannot be read as one is a finding at its line where the
    answer is for a CI system, which shows the others too; else it ends the command.
    """
    asked = tuple(forms.chosen(options.forms, FORMATS))
    told: list[A] = []
    bad: list[tuple[InputError, Finding]] = []
    for path in _dockerfiles(options):
        try:
            told.append(question(path))
        except InputError as error:
            found = _refused(error, path)
            if found is None or all(name == "json" for name, _ in asked):
                raise
            bad.append((error, found))
    return Answers(told=tuple(told), refused=tuple(bad), forms=asked)


def _dockerfiles(options: argparse.Namespace) -> list[Path]:
    named = options.dockerfile
    return named if isinstance(named, list) else [named]


def _refused(error: InputError, path: Path) -> Finding | None:
    """What is wrong with it, at the line that says so."""
    from lab.dockerfile.model import DockerfileError
    from lab.host import repository_paths
    from lab.model.finding import Finding

    cause = error.__cause__
    if not isinstance(cause, DockerfileError):
        return None
    return Finding(
        rule="not-a-dockerfile",
        level="error",
        place=repository_paths.shown(path),
        line=cause.line,
        message=str(cause).partition(": ")[2],
    )


def end(
    answers: Answers[A],
    options: argparse.Namespace,
    tool: str,
    value: Callable[[Sequence[A]], Any],
) -> int:
    """Print and write the answers in every form asked for; then 0, or what --fail-on means.

    ``value`` is what JSON says of them. Raises FindingsFound, and InputError where a Dockerfile was
    refused.
    """
    from lab.report import ci_formats

    found = [finding for one in answers.told for finding in one.findings()]
    found += [finding for _, finding in answers.refused]

    def form(name: str) -> str:
        if name == "json":
            return forms.json_text(value(answers.told))
        if name == "markdown":
            return "\n".join(one._repr_markdown_() for one in answers.told)
        return ci_formats.FORMATS[name](tool, found)

    def text() -> str:
        heads = [
            f"{one.place}:\n" if len(_dockerfiles(options)) > 1 else "" for one in answers.told
        ]
        return "".join(f"{head}{one}\n" for head, one in zip(heads, answers.told, strict=True))

    with before_the_answer():
        forms.show(answers.forms, form, text)
    for error, one in answers.refused:
        raise InputError(f"{one.place}:{one.line}: {one.message}", remedy=error.remedy) from error
    _judge(found, options.fail_on)
    return 0


def _judge(found: Sequence[Finding], level: Level | None) -> None:
    bad = [] if level is None else [one for one in found if at_least(level, one)]
    if bad:
        first = bad[0]
        message = " ".join(first.message.split("\n", 1)[0].split())
        more = f" (the first of {len(bad)})" if len(bad) > 1 else ""
        raise FindingsFound(
            f"{first.place}:{first.line}: {first.level}: {message}{more}",
            remedy=f"mend it, or leave --fail-on {level} out",
        )
