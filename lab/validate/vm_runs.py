"""Kernels booted for the images: one boot asks every image under every engine's confinement.

Under emulation the answers are the kernel's own; times are not, and none is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.images.opened import Opened
from lab.model.errors import LabError
from lab.validate import kernels
from lab.validate.kernels import Confinement
from lab.validate.matrix import Column
from lab.validate.probes import BARE, Program
from lab.validate.results import HOST, Asked, Probed, Say, provide

_BASE_S, _EACH_S = 60, 20  # a guest's time limit, and more of it for each root and confinement
_AT_ONCE = 2
_ROOTS = 6  # in one boot: they are in the guest's memory, and it has eight loop devices

Booted = tuple[str, kernels.Boot | LabError]


def in_guests(
    names: Sequence[str],
    images: Sequence[Opened],
    packed: Mapping[str, Path],
    confinements: Mapping[str, Confinement],
    programs: Sequence[Program],
    asked: Asked,
    found: Probed,
    *,
    say: Say,
) -> None:
    """Boot each kernel and take what the images answered there.

    ``packed`` are the images' roots by name, ``confinements`` the engines' by their label. What
    cannot be booted is skipped; the host's own kernel is then asked without a guest.
    """
    groups = [images[at : at + _ROOTS] for at in range(0, len(images), _ROOTS)]
    jobs = [(name, group) for name in names for group in groups]

    def boot(job: tuple[str, Sequence[Opened]]) -> kernels.Boot | LabError:
        name, group = job
        held = {f"image{number}": packed[one.name] for number, one in enumerate(group)}
        own = () if name == HOST else tuple(confinements.values())
        try:
            kernel = kernels.resolve(name, say=say)
            found.versions[name] = kernel.version
            say(f"booting kernel {name}")
            limit = _BASE_S + _EACH_S * len(held) * (1 + len(own))
            return kernels.boot(kernel, held, programs=programs, confinements=own, timeout_s=limit)
        except LabError as error:
            return error

    labels = {one.name: label for label, one in confinements.items()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for (name, group), booted in zip(jobs, pool.map(boot, jobs), strict=True):
            if isinstance(booted, LabError):
                _missed(name, booted, asked, found)
            else:
                _take(name, group, booted, labels, found)


def _missed(name: str, error: LabError, asked: Asked, found: Probed) -> None:
    if name == HOST:
        found.notes.append(f"{HOST}: not booted: {provide(error)}")
    else:
        found.skip(name, asked, provide(error))


def _take(
    name: str,
    group: Sequence[Opened],
    booted: kernels.Boot,
    labels: Mapping[str, str],
    found: Probed,
) -> None:
    if booted.emulated:
        found.emulated.add(name)
    by_root = {f"image{number}": image.name for number, image in enumerate(group)}
    for one in booted.results:
        image = by_root.get(one.root)
        if image is None:
            continue
        label = labels.get(one.confinement, BARE)
        found.answers[image, Column(name, label)] = one
        if label == BARE:
            found.bare[image, name] = one
