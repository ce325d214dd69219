"""Arguments that several verbs share, and what they make of a scenario."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.model.engine_name import EXPECTED
from lab.model.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from lab.golang.goroot.home import Home
    from lab.scenario.model import Scenario


BUILDS = (
    "scenario",
    "dockerfile",
    "context",
    "base_image",
    "engine",
    "private",
    "rounds",
    "seed",
    "keep",
)
"""Options that say how something is built."""
RUN = "latest, latest~1, its id or name, a branch, a commit, its folder"


def rounds_and_seed(verb: argparse.ArgumentParser) -> None:
    """--rounds, --seed, --quiet, --keep and --results: how a scenario is run."""
    verb.add_argument("--rounds", type=positive, metavar="N", help="instead of the scenario's")
    verb.add_argument("--seed", type=seed, metavar="N", help="of the order of trials")
    verb.add_argument("--quiet", action="store_true", help="plain lines, no live view")
    verb.add_argument(
        "--keep", action="store_true", help="leave images, and storage of private engines"
    )
    results(verb)


def engines(verb: argparse.ArgumentParser) -> None:
    """--engine and --private: where a scenario is built."""
    verb.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[@VERSION][=ENDPOINT]",
        help=f"instead of the scenario's engines: {EXPECTED}; repeatable",
    )
    private(verb)


def fleet(verb: argparse.ArgumentParser) -> None:
    """--fleet and --certificates: on many hosts."""
    verb.add_argument(
        "--fleet", metavar="HOST[:PORT]", help="on the workers that this scheduler knows"
    )
    certificates(verb)


def certificates(verb: argparse.ArgumentParser) -> None:
    """--certificates: as whom one speaks to a fleet."""
    verb.add_argument(
        "--certificates",
        type=Path,
        metavar="DIR",
        help="this member's folder, by lab fleet certificates; needed beyond this machine",
    )


def otlp(verb: argparse.ArgumentParser) -> None:
    """--otlp: where a run's trace is sent."""
    verb.add_argument(
        "--otlp",
        metavar="URL",
        help="send trace, figures and log of what is built there, by OTLP over HTTP "
        "(default: where OTEL_ variables say)",
    )


def baseline(verb: argparse.ArgumentParser) -> None:
    """--baseline: what ratios are to."""
    verb.add_argument(
        "--baseline",
        metavar="VALUE",
        help="what is compared with: a value of any axis (default: the scenario's first)",
    )


def dockerfile(verb: argparse.ArgumentParser) -> None:
    """--engine NAME[@VERSION], --build-arg and --target: by what rules a Dockerfile is read."""
    verb.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[@VERSION]",
        help=f"by the rules of this version (default: newest); {EXPECTED}; repeatable",
    )
    verb.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    verb.add_argument("--target", metavar="STAGE")


def base_images(verb: argparse.ArgumentParser) -> None:
    """--base-image: what a base brings of itself."""
    verb.add_argument(
        "--base-image",
        action="append",
        default=[],
        metavar="REF=IMAGE",
        help="a base's image, an archive or docker:NAME, podman:NAME: its triggers (ONBUILD) are "
        "steps too",
    )


def project(verb: argparse.ArgumentParser) -> None:
    """--dockerfile and --context: a Dockerfile as it is, instead of a scenario."""
    verb.add_argument(
        "--dockerfile", type=Path, metavar="FILE", help="build this Dockerfile: no scenario needed"
    )
    verb.add_argument(
        "--context", type=Path, metavar="DIR", help="of --dockerfile; default: its folder"
    )
    stand_in(verb)


def stand_in(verb: argparse.ArgumentParser) -> None:
    """--base-image: what is built on where no registry is asked for an image."""
    verb.add_argument(
        "--base-image",
        action="append",
        default=[],
        metavar="REF=IMAGE",
        help="build on this instead of an image that the Dockerfile names: a suite as bookworm "
        "or bookworm+go1.22.10, an archive, or docker:NAME, podman:NAME; no registry is asked",
    )


def stand_ins(given: Sequence[str]) -> dict[str, str]:
    """By reference the image that stands for it. Raises InputError for another form."""
    for text in given:
        if not all(text.partition("=")):
            raise InputError(
                f"--base-image {text}: it names no image and what stands for it",
                remedy="write REF=IMAGE, as golang:1.22=bookworm+go1.22.10",
            )
    return dict(text.partition("=")[::2] for text in given)


def run_name(text: str) -> str:
    """A name for a run that no other way of naming one reads otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+@/-]{0,99}", text) or text == "latest":
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected letters, digits and . _ + @ / -, at most 100, and not latest"
        )
    return text


def private(verb: argparse.ArgumentParser) -> None:
    """--private."""
    verb.add_argument("--private", action="store_true", help="always start private engines")


def earlier(
    verb: argparse.ArgumentParser | argparse._ArgumentGroup, spelling: str, **the_same: Any
) -> None:
    """The spelling that an option had in an earlier lab: it still works, and is not shown."""
    verb.add_argument(spelling, help=argparse.SUPPRESS, default=argparse.SUPPRESS, **the_same)


def results(verb: argparse.ArgumentParser) -> None:
    """--results: the folder of the runs."""
    verb.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results"
    )


def refuse(
    options: argparse.Namespace,
    names: Iterable[str],
    why: str,
    remedy: str = "leave {option} out",
) -> None:
    """Refuse options that would be passed over. Raises InputError of the first that is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False and value != []:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} {why}", remedy=remedy.format(option=option))


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least 1")
    return int(text)


def seed(text: str) -> int:
    """A whole number that a scenario file takes as its seed too."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0 to 2^63 - 1")
    return int(text)


def duration(text: str) -> float:
    """Seconds of a duration such as 90s, 20m or 1h30m."""
    found = re.fullmatch(r"(?=\d)(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", text)
    parts = found.groups() if found else ()
    seconds = sum(int(part or 0) * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a time such as 90s, 20m or 1h30m")
    return float(seconds)


def since(text: str) -> datetime:
    """A time, or how long ago (lab.results.heads.moment)."""
    from lab.results.heads import moment

    try:
        return moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def window(verb: argparse.ArgumentParser) -> None:
    """--since: which runs."""
    verb.add_argument(
        "--since", type=since, metavar="TIME", help="only runs from then on: 7d, 12h, 2026-01-01"
    )


def scenario(options: argparse.Namespace) -> Scenario:
    """The scenario that was named, with what the command line changes of it."""
    from lab.cli.api import scenarios

    return scenarios.read(
        options.scenario,
        dockerfile=getattr(options, "dockerfile", None),
        context=getattr(options, "context", None),
        engines=getattr(options, "engine", None) or (),
        bases=getattr(options, "bases", ()),
        images=stand_ins(getattr(options, "base_image", ())),
        rounds=getattr(options, "rounds", None),
        seed=getattr(options, "seed", None),
    )


def build_args(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE options."""
    for text in given:
        if "=" not in text:
            raise InputError(f"--build-arg {text}: it has no value", remedy="write NAME=VALUE")
    return dict(text.partition("=")[::2] for text in given)


def place_of_versions(chosen: Path | None) -> Home:
    """The folder of the versions: named, or LAB_GOROOTS, or in the lab's cache."""
    from lab.golang.goroot.home import Home
    from lab.host import paths

    named = chosen or os.environ.get("LAB_GOROOTS")
    return Home(Path(named).absolute() if named else paths.cache_dir() / "goroots")
