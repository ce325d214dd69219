"""`lab validate`: what an image needs, what of it cannot run, and where it runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import before_the_answer, print_text, say
from lab.model.errors import ExpectationBroken, InputError

if TYPE_CHECKING:
    from lab.images.opened import Opened
    from lab.validate.assertions import Assertions
    from lab.validate.matrix import Validation
    from lab.validate.policy import Judge
    from lab.validate.results import Asked

FORMATS = ("json", "markdown", "html", "junit", "sarif")
FILES = {
    "json": "validation.json",
    "markdown": "report.md",
    "html": "report.html",
    "junit": "junit.xml",
    "sarif": "results.sarif",
}


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
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
        "--engines",
        action="append",
        default=[],
        metavar="NAME[=ENDPOINT]",
        help="docker, docker-classic, podman: the same in its containers; repeatable",
    )
    verb.add_argument(
        "--seccomp",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="in containers with this profile as well; repeatable",
    )
    arguments.private(verb)
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
        "--again",
        action="store_true",
        help="bootstrap each suite a second time: is it the same, bit by bit, and what is not",
    )
    verb.add_argument("--label", action="store_true", help="print what it needs as LABEL lines")
    verb.add_argument(
        "--labelled",
        type=Path,
        metavar="FILE",
        help="write the image with these labels as an archive, for docker load and podman load",
    )
    verb.add_argument("--reasons", action="store_true", help="print every reason")
    verb.add_argument(
        "--output",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"instead of the table: {', '.join(FORMATS)}",
    )
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Validate; what does not run, or breaks the policy, is exit code 3."""
    from lab.validate import assertions, policy, policy_file

    judge = None
    if options.policy is not None:
        judge = policy.Judge(policy_file.load(options.policy))
    tests = [assertions.load(path) for path in options.assertions]
    with _folder(options.results) as folder:
        found = _answers(options, judge, tests, folder)
    with before_the_answer():
        show(found, options)
    say(str(folder), on_error=True)
    return end(found, folder)


def _answers(
    options: argparse.Namespace, judge: Judge | None, tests: list[Assertions], folder: Path
) -> list[Validation]:
    """What is found of all that was named, written into the folder."""
    from lab.validate import validation
    from lab.validate.bootstraps import bootstrapped
    from lab.validate.commands import asserted
    from lab.validate.probes import seccomp_profile
    from lab.validate.probing import probe
    from lab.validate.targets import targets

    for path in options.seccomp:
        seccomp_profile.read(path)  # a file that is none is told before anything is made or started
    addresses = {name: at for name, at in engines_of(options).items() if at}
    named = targets(options.targets, say=_tell, endpoints=addresses)
    if options.labelled is not None and len(named.images) != 1:
        raise InputError("--labelled writes one image", remedy="name one image")
    wanted = asked(options, named.kernels, named.engines)
    images = {one.name: one.image for one in named.images if one.image is not None}
    probed = probe(tuple(images.values()), wanted, say=_tell)
    found = [
        validation.validate(one, asked=wanted, probed=probed, judge=judge) for one in named.images
    ]
    found = asserted(found, tests, images, wanted, say=_tell)
    if options.again or (judge is not None and judge.asks_for_bootstraps):
        found = bootstrapped(found, images, judge, say=_tell)
    write(found, folder)
    if options.labelled is not None:
        label(images, found[0], options.labelled)
    return found


def asked(options: argparse.Namespace, kernels: tuple[str, ...], engines: tuple[str, ...]) -> Asked:
    """Kernels and engines: the command line's, else the scenarios', else the host alone."""
    from lab.engines import REAL
    from lab.validate.results import HOST, Asked

    names = [name for text in options.kernels for name in text.split()]
    named = engines_of(options)
    if set(named) - set(REAL):
        raise InputError("the simulated engine runs no containers", remedy="docker or podman")
    chosen = tuple(named) or tuple(one for one in dict.fromkeys(engines) if one in REAL)
    return Asked(
        kernels=tuple(dict.fromkeys(names or kernels or (HOST,))),
        engines=chosen,
        profiles=tuple(options.seccomp),
        private=options.private,
        endpoints={name: address for name, address in named.items() if address},
    )


def engines_of(options: argparse.Namespace) -> Mapping[str, str]:
    """--engines by name, each with its address or nothing."""
    words = [name for text in options.engines for name in text.replace(",", " ").split()]
    return arguments.endpoints(words)


def label(images: Mapping[str, Opened], one: Validation, path: Path) -> None:
    """Write the image with its labels, and say how it is loaded."""
    from lab.images import labelled

    if one.image not in images:
        raise InputError(
            f"{one.image} could not be read: there is nothing to label",
            remedy="see its findings: what is named there comes first",
        )
    ref = labelled.write(images[one.image], one.labels, path)
    _tell(f"{path} is {ref} with {len(one.labels)} labels: docker load -i, podman load -i")


def _tell(text: str) -> None:
    say(text, on_error=True)


@contextmanager
def _folder(results: Path) -> Iterator[Path]:
    """A folder below results/ that can be written, before anything is looked at; nothing is left of
    it where nothing was found out.
    """
    from lab.results.store import new_folder, new_id

    folder = new_folder(results, new_id("validate", datetime.now(UTC)))
    try:
        yield folder
    finally:
        with suppress(OSError):  # the answer is in it
            folder.rmdir()


def write(found: list[Validation], folder: Path) -> None:
    """Every form of the answer."""
    from lab.host.disk import write as to_disk

    for name, file in FILES.items():
        to_disk(folder, file, rendered(found, name))


def rendered(found: list[Validation], name: str) -> str:
    """All validations in one form."""
    from lab.report import matrix, validation_exports

    if name in {"markdown", "html"}:
        return matrix.markdown(found) if name == "markdown" else matrix.html(found)
    return {
        "json": validation_exports.to_json,
        "junit": validation_exports.junit,
        "sarif": validation_exports.sarif,
    }[name](found)


def show(found: list[Validation], options: argparse.Namespace) -> None:
    """Print what was asked for."""
    from lab.report import matrix

    if options.label:
        for one in found:
            lines = (f'LABEL {name}="{value}"\n' for name, value in sorted(one.labels.items()))
            print_text(f"# {one.image}\n" + "".join(lines))
    elif options.output is not None:
        print_text(rendered(found, options.output))
    else:
        for one in found:
            matrix.show(one, reasons=options.reasons)


def end(found: list[Validation], folder: Path) -> int:
    """0; ExpectationBroken where something does not run or a demand is not met."""
    broken = [f"{one.image}: {item.message}" for one in found for item in one.broken]
    for one in found:
        broken += [
            f"{one.image} does not run on {verdict.column.words}: {verdict.why[0]}"
            for verdict in one.verdicts
            if verdict.word == "does not run"
        ]
        broken += [
            f"{item.place}:{item.line}: {item.message}"
            for item in one.findings
            if item.rule.startswith("copy-") and item.level == "error"
        ]
    if broken:
        from lab.report.formatting import flat

        broken = [flat(one) for one in broken]
        more = f"\n  and {len(broken) - 10} more" if len(broken) > 10 else ""
        raise ExpectationBroken(
            "\n  ".join(broken[:10]) + more, remedy=f"see {folder / FILES['markdown']}"
        )
    return 0
