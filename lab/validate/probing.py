"""Kernels booted and containers started for the images: who answered what, on which column."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.host import temporary
from lab.images import goroot
from lab.images.opened import Opened
from lab.model.errors import LabError, MissingPrerequisite
from lab.validate import kernels, probes
from lab.validate.container_runs import Made, confinements, contained
from lab.validate.hello_world import Linked
from lab.validate.kernels import roots
from lab.validate.matrix import Column
from lab.validate.probes import Program
from lab.validate.results import HOST, Asked, Probed, Say, provide
from lab.validate.vm_runs import in_guests

_CONTAINED = "every image ran in a container of {} on this host's kernel {}"
_PUT_ON = "; what confines it there, filter and capabilities, was put on it in the other kernels"


def probe(images: Sequence[Opened], asked: Asked, *, say: Say) -> Probed:
    """Ask all columns of all images. What cannot be had is skipped; nothing raises for it."""
    found = Probed(versions={HOST: platform.release()})
    if not images:
        return found
    with temporary.folder("go") as folder:
        linked = Linked(folder)
        made = contained(images, asked, found, linked, say=say)
        _notes(images, asked, made, found)
        try:
            packed = _packed(images, say)
            programs = (*probes.of_libc(), *linked.programs)
        except LabError as error:
            packed, programs = {}, ()
            for name in asked.kernels:
                if name != HOST:
                    found.skip(name, asked, provide(error))
        guests = _guests(asked, found) if packed else ()
        labels = {f"c{number}": one[0] for number, one in enumerate(asked.confinements)}
        if guests:
            worn = {labels[one.name]: one for one in confinements(labels, made, asked, found)}
            in_guests(guests, images, packed, worn, programs, asked, found, say=say)
        if HOST in asked.kernels:
            _on_host(images, packed, programs, made, found)
    return found


def _packed(images: Sequence[Opened], say: Say) -> dict[str, Path]:
    return {
        image.name: roots.of_layers(
            [layer.path for layer in image.layers], say=say, what=image.name
        )
        for image in images
    }


def _guests(asked: Asked, found: Probed) -> tuple[str, ...]:
    """The kernels to boot: the host's own where its image is on disk."""
    names = list(asked.kernels)
    if HOST in names:
        try:
            kernels.resolve(HOST)
        except MissingPrerequisite as error:
            names.remove(HOST)
            found.notes.append(f"{HOST}: asked directly, not booted: {provide(error)}")
    return tuple(names)


def _on_host(
    images: Sequence[Opened],
    packed: Mapping[str, Path],
    programs: Sequence[Program],
    made: Made,
    found: Probed,
) -> None:
    """The running kernel: as a guest where it was booted, else directly; and in containers."""
    try:
        bare = probes.on_host()
    except LabError as error:
        found.skipped[Column(HOST)] = provide(error)
        return
    for image in images:
        if (image.name, HOST) not in found.bare:
            found.bare[image.name, HOST] = bare
            found.answers[image.name, Column(HOST)] = _in_root(image, bare, packed, programs, found)
    for (name, label), one in made.items():
        found.answers[name, Column(HOST, label)] = one.results


def _in_root(
    image: Opened,
    bare: probes.ProbeResults,
    packed: Mapping[str, Path],
    programs: Sequence[Program],
    found: Probed,
) -> probes.ProbeResults:
    if image.name not in packed:
        return bare
    try:
        return probes.in_root(bare, packed[image.name], programs)
    except LabError as error:
        found.notes.append(f"{HOST}: the libc of {image.name} was not asked: {provide(error)}")
        return bare


def _notes(images: Sequence[Opened], asked: Asked, made: Made, found: Probed) -> None:
    whole = [
        label
        for label, _, _ in asked.confinements
        if all((image.name, label) in made for image in images)
    ]
    if whole:
        more = _PUT_ON if any(name != HOST for name in asked.kernels) else ""
        found.notes.append(_CONTAINED.format(", ".join(whole), platform.release()) + more)
    with_go = [image.name for image in images if goroot.goroot(image).found]
    if with_go and not asked.engines:
        found.notes.append(
            f"the Go of {', '.join(with_go)} was only looked at: name --engine to compile with it"
        )
