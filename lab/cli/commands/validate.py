"""`lab validate`: what an image needs, what of it cannot run, and where it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments, forms
from lab.cli.output import before_the_answer, print_text, say
from lab.engines import named
from lab.model.errors import ExpectationBroken

if TYPE_CHECKING:
    from lab.cli.forms import Form
    from lab.validate.matrix import Validation
    from lab.validate.session import Request

FORMATS = ("json", "markdown", "html", "junit", "github", "gitlab", "sarif")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    _where(verb)
    _demands(verb)
    verb.add_argument("--label", action="store_true", help="print what it needs as LABEL lines")
    verb.add_argument(
        "--labelled",
        type=Path,
        metavar="FILE",
        help="write the image with these labels as an archive, for docker load and podman load",
    )
    verb.add_argument("--reasons", action="store_true", help="print every reason")
    forms.option(verb, FORMATS, earlier="--output")
    arguments.results(verb)


def _where(verb: argparse.ArgumentParser) -> None:
    """The targets, and the kernels and engines that are asked about them."""
    verb.add_argument(
        "targets",
        nargs="+",
        metavar="IMAGE|SCENARIO|DOCKERFILE",
        help="a suite (bookworm, bookworm+go1.22.10), an image archive, a root file system, an "
        "engine's image (docker:NAME, podman:NAME), a scenario file, a Dockerfile",
    )
    verb.add_argument(
        "--kernels",
        action="append",
        default=[],
        metavar="NAME",
        help="host (the default), a version (6.1), suite:sid, the path of a bzImage, or "
        "6.6=PATH; arguments follow a comma; repeatable, or separated by spaces",
    )
    verb.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[=ENDPOINT]",
        help="docker, docker-classic, podman: the same in its containers; repeatable, or separated "
        "by spaces",
    )
    arguments.earlier(verb, "--engines", dest="engine", action="append")
    verb.add_argument(
        "--seccomp",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="in containers with this profile as well; repeatable",
    )
    arguments.private(verb)


def _demands(verb: argparse.ArgumentParser) -> None:
    """What has to hold besides that it runs."""
    verb.add_argument("--policy", type=Path, metavar="FILE", help="what a team demands")
    verb.add_argument(
        "--assert",
        dest="assertions",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="assertions in container-structure-test's YAML; repeatable",
    )
    verb.add_argument(
        "--check-reproducible",
        action="store_true",
        help="bootstrap each suite a second time and name what is not bit-identical",
    )
    arguments.earlier(verb, "--again", dest="check_reproducible", action="store_true")


def run(options: argparse.Namespace) -> int:
    """Validate; what does not run, or breaks the policy, is exit code 3."""
    from lab.report import validation_files as files
    from lab.validate.session import Session

    asked = forms.chosen(options.forms, FORMATS)
    session = Session(_request(options), say=lambda text: say(text, on_error=True))
    with files.folder(options.results) as draft:
        found = session.run()
        files.write(found, draft.folder)
        if options.labelled is not None:
            session.write_labelled(found[0], options.labelled)
    folder = draft.folder
    with before_the_answer():
        _show(found, asked, options)
    say(str(folder), on_error=True)
    if failures := files.failures(found):
        raise ExpectationBroken(failures, remedy=f"see {folder / files.FILES['markdown']}")
    return 0


def _request(options: argparse.Namespace) -> Request:
    from lab.validate.session import Request

    engines = [name for text in options.engine for name in text.replace(",", " ").split()]
    return Request(
        targets=tuple(options.targets),
        kernels=tuple(name for text in options.kernels for name in text.split()),
        engines=named.endpoints(engines),
        profiles=tuple(options.seccomp),
        private=options.private,
        policy=options.policy,
        assertions=tuple(options.assertions),
        check_reproducible=options.check_reproducible,
        one_image=options.labelled is not None,
    )


def _show(found: list[Validation], asked: Sequence[Form], options: argparse.Namespace) -> None:
    """Print and write what was asked for."""
    from lab.report import matrix, validation_files

    if options.label:
        for validation in found:
            lines = (
                f'LABEL {name}="{value}"\n' for name, value in sorted(validation.labels.items())
            )
            print_text(f"# {validation.image}\n" + "".join(lines))
        return
    forms.write(asked, lambda name: validation_files.rendered(found, name))
    if not forms.printed(asked):
        for validation in found:
            matrix.show(validation, reasons=options.reasons)
