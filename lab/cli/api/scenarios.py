"""The scenario that is meant: a file, one that comes with the lab, or a Dockerfile as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.engines.named import endpoints
from lab.scenario import loader, own_bases, own_project
from lab.scenario.model import Scenario


def read(
    named: Path | None,
    *,
    dockerfile: Path | None = None,
    context: Path | None = None,
    engines: Sequence[str] = (),
    bases: Sequence[str] = (),
    images: Mapping[str, str] | None = None,
    rounds: int | None = None,
    seed: int | None = None,
) -> Scenario:
    """The scenario ``named``, or of a ``dockerfile`` in its ``context``; on other ``engines``
    (NAME or NAME=ENDPOINT), the Dockerfile on other ``bases``, or with ``images`` for
    references in it, in so many ``rounds``, with another
    ``seed``, where they are given.

    Raises InputError with the place of each mistake.
    """
    names = tuple(endpoints(engines))
    if dockerfile is not None:
        project = own_project.found(dockerfile, context)
        given = images or {}
        instead = own_project.refuse_unread(project, bases, given)
        entries = tuple(own_bases.entries(bases, given).values())
        text = own_project.commented(
            project, Path(), names or own_project.ENGINES, entries, instead
        )
        loaded = loader.parse(text)
    else:
        loaded = loader.load(found_or_shipped(named or Path()))
        loaded = loaded.with_engines(names) if names else loaded
    if rounds:
        loaded = replace(loaded, rounds=rounds, until=None)
    return loaded if seed is None else replace(loaded, seed=seed)


def found_or_shipped(named: Path) -> Path:
    """A scenario file, or one that comes with the lab by its name: base-upgrade, layer-cache ..."""
    if named.exists():
        return named
    names = [named.name, f"{named.name}.yaml"] if len(named.parts) == 1 else []
    if named.parts[:1] == ("scenarios",):  # as the README writes it, from any folder
        names.append(Path(*named.parts[1:]).as_posix())
    return next((place for place in map(shipped, names) if place.is_file()), named)


def shipped(name: str, kind: str = "scenarios") -> Path:
    """What comes with the lab: beside the checkout, or inside the installed package."""
    package = Path(__file__).resolve().parents[2]
    places = (package.parent / kind / name, package / kind / name)
    return next((place for place in places if place.is_file()), places[0])
