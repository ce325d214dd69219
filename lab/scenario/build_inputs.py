"""What a cell's builds are made from: Dockerfile, context, arguments and the images below them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

from lab.dockerfile import layouts, stand_ins
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.layouts import Container
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.engines.protocol import ImageArchive
from lab.images.sources.types import Base
from lab.model import cell_names
from lab.model.errors import InputError
from lab.scenario import own_project
from lab.scenario.model import Own, Scenario

DOCKERFILE = "Dockerfile"  # where a generated project's Dockerfile goes


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingBase:
    """A base that ``edit:base`` moves.

    The Dockerfile names ``working``, a ref that stands for the image ``original`` and, after the
    edit, for ``moved``.
    """

    original: str
    moved: str
    working: str

    def current(self, *, moved: bool) -> str:
        """The ref of the image that ``working`` stands for."""
        return self.moved if moved else self.original


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """What a cell builds on. None where the user's own Dockerfile names its base itself; ``named``
    are those that stand for references in it.
    """

    base: Base | None = None
    toolchain: Base | None = None
    named: Mapping[str, Base] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """What a trial's builds are made from, before any edit.

    ``images`` must be in the engine before the first build. ``marks`` are the names that steps, or
    the ``container`` that runs in the built image, report.
    """

    inputs: Inputs
    images: tuple[ImageArchive, ...] = ()
    bases: tuple[WorkingBase, ...] = ()
    marks: tuple[str, ...] = ()
    container: Container | None = None

    @property
    def dockerfile(self) -> Dockerfile:
        """The Dockerfile, parsed. Raises InputError with its place where it is not one."""
        return parsed(self.inputs)


def render_cell(
    scenario: Scenario, axes: Mapping[str, str], images: Images, context: Context, token: str
) -> BuildInputs:
    """Render a cell: its layout's Dockerfile, or the user's own as it is.

    ``token`` names the cache mount: a mount that an earlier trial filled would warm a cold build.
    """
    moving = scenario.base_moves
    used = tuple(dict.fromkeys(one for one in (images.base, images.toolchain) if one is not None))
    work = scenario.workload
    if isinstance(work, Own):
        used = used[-1:]  # a Dockerfile of one's own takes one image, with the toolchain if any
    bases = tuple(
        WorkingBase(original=one.image.ref, moved=one.moved.ref, working=f"{one.image.ref}-working")
        for one in used
        if moving and one.moved is not None
    )
    working = {base.original: base.working for base in bases}
    refs = [working.get(one.image.ref, one.image.ref) for one in used]
    loaded = tuple(
        image
        for one in used
        for image in (one.image, one.moved if moving else None)
        if image is not None
    )
    arguments = {name: axes[name] for name in scenario.own_axes}
    if isinstance(work, Own):
        inputs = _own(work, context, arguments, refs, images.named)
        loaded += tuple(one.image for one in images.named.values())
        return BuildInputs(inputs=inputs, images=loaded, bases=bases)
    recipe = layouts.render(
        axes["layout"], layouts.Values(base=refs[0], toolchain=refs[-1], cache_id=token)
    )
    inputs = Inputs(
        dockerfile=_declared(recipe.dockerfile, arguments),
        dockerfile_path=DOCKERFILE,
        context=context,
        build_args={**recipe.build_args, **arguments},
        target=recipe.target,
        goroot=recipe.goroot,
    )
    return BuildInputs(
        inputs=inputs, images=loaded, bases=bases, marks=recipe.marks, container=recipe.container
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellInputs:
    """What the trials of a cell share: a million of them are to fit into memory.

    ``same`` is what each is made from; None where its token is in it. ``label`` is the part of its
    builds' ids that names the cell.
    """

    render: Callable[[str], BuildInputs]
    same: BuildInputs | None
    label: str

    @classmethod
    def of(
        cls, scenario: Scenario, axes: Mapping[str, str], images: Images, context: Context
    ) -> Self:
        """Of the cell of these axes."""

        def render(token: str) -> BuildInputs:
            return render_cell(scenario, axes, images, context, token)

        one = render("one")
        varied = [axis for axis, values in scenario.axes.items() if len(values) > 1]
        same = one if one == render("another") else None
        return cls(render=render, same=same, label=cell_names.label(axes, varied))

    def built_from(self, token: str) -> BuildInputs:
        """What the trial of this token is made from."""
        return self.same or self.render(token)


def parsed(inputs: Inputs) -> Dockerfile:
    """The inputs' Dockerfile. Raises InputError with its place where it is not one."""
    try:
        return _parsed(inputs.dockerfile, tuple(inputs.build_args.items()))
    except DockerfileError as error:
        raise InputError(
            f"{inputs.dockerfile_path}: {error}", remedy="fix the Dockerfile and run again"
        ) from error


@lru_cache(maxsize=256)  # the rounds of a cell have the same text, but for a cache mount's id
def _parsed(text: str, build_args: tuple[tuple[str, str], ...]) -> Dockerfile:
    return parse(text, dict(build_args))


def _own(
    work: Own,
    context: Context,
    arguments: Mapping[str, str],
    refs: list[str],
    named: Mapping[str, Base],
) -> Inputs:
    base = {own_project.BASE: refs[-1]} if refs else {}
    inputs = Inputs(
        dockerfile=context.read(work.dockerfile).decode(errors="surrogateescape"),
        dockerfile_path=work.dockerfile,
        context=context,
        build_args={**work.build_args, **base, **arguments},
        target=work.target,
    )
    if not named:
        return inputs
    instead = {ref: one.image.ref for ref, one in named.items()}
    return replace(inputs, dockerfile=stand_ins.put(parsed(inputs), instead))


def _declared(dockerfile: str, names: Mapping[str, str]) -> str:
    """Let every stage take the user's own axes as arguments: its RUNs see them as variables."""
    for name in names:  # an ENV of the same name would win over the argument
        dockerfile = re.sub(
            rf"^ENV {name}=.*$", f"ENV {name}=${name}", dockerfile, flags=re.MULTILINE
        )
    lines = "".join(f"\nARG {name}" for name in names)
    return re.sub(r"^(FROM .*)$", rf"\g<1>{lines}", dockerfile, flags=re.MULTILINE)
