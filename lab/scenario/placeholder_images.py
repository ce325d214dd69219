"""Stand-ins for images, so that a scenario can be planned and rendered without making any."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.dockerfile import stand_ins
from lab.engines.protocol import ImageArchive
from lab.images.sources.types import Base
from lab.scenario import own_project
from lab.scenario.build_inputs import Images
from lab.scenario.model import Own, Scenario

_TAG = re.compile(r"[^A-Za-z0-9_.]+")


def images(scenario: Scenario, axes: Mapping[str, str], *, every: bool = False) -> Images:
    """What a cell would build on; the refs say what they stand for. ``every``: also each image that
    the user's own Dockerfile names, by its own name, for an engine that has no registry to ask.
    """
    name, go = axes["base"], axes["toolchain"]
    work = scenario.workload
    given = work.images if isinstance(work, Own) else {}
    named = {ref: _base(f"localhost/lab/base:{_TAG.sub('-', ref)}", movable=False) for ref in given}
    if every and isinstance(work, Own):
        file = own_project.read(work.context, work.dockerfile, work.build_args)
        refs = stand_ins.named(file) - given.keys() if file is not None else ()
        named |= {ref: _base(ref, movable=False) for ref in sorted(refs)}
    source = next((one for one in scenario.bases if one.name == name), None)
    if source is None:
        return Images(named=named)
    pulled = source.value if source.kind == "image" else None
    made = f"localhost/lab/base:{name.replace('+', '-')}"
    return Images(
        base=_base(pulled or made, movable=pulled is None),
        toolchain=None if go == "own" else _base(f"{made}-go-{go}", movable=True),
        named=named,
    )


def _base(ref: str, *, movable: bool) -> Base:
    image = ImageArchive(ref=ref, id=None, path=None)
    moved = ImageArchive(ref=f"{ref}-moved", id=None, path=None) if movable else None
    return Base(name=ref, image=image, moved=moved, glibc=None, go=None, digest=ref, origin=ref)
