"""Two built images compared by their history: which steps differ, without a run or a manifest.

Source of the format: https://github.com/moby/moby/blob/v20.10.24/image/spec/v1.2.md
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engines import open_engine
from lab.engines.endpoint import resolve
from lab.host import temporary
from lab.images.names import held
from lab.model.errors import InputError, SourceError

HOLDERS = ("docker", "podman")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One step of an image's history: the engine's words for it, and the layer it left, if any."""

    text: str
    layer: str | None


def history(name: str) -> tuple[HistoryStep, ...]:
    """The history of an image: of an archive that `docker save` or `podman save` wrote, or of one
    that an engine holds, by name (docker:NAME and podman:NAME ask that engine alone).

    Raises InputError where there is no such image.
    """
    if Path(name).is_file():
        return read(Path(name))
    place = held(name)
    for engine, ref in [place] if place else [(one, name) for one in HOLDERS]:
        if resolve(engine) is not None and (found := _held(engine, ref)) is not None:
            return found
    who = place[0] if place else " or ".join(HOLDERS)
    raise InputError(
        f"there is no archive {name}, and no {who} answers here that holds such an image",
        remedy="name an archive that `docker save` or `podman save` wrote, or docker:NAME, "
        "podman:NAME",
    )


def _held(engine: str, ref: str) -> tuple[HistoryStep, ...] | None:
    """The history of an engine's image; None where it has none such."""
    with (
        temporary.folder("explain") as folder,
        closing(open_engine(engine)) as opened,
    ):
        file = folder / "image.tar"
        try:
            identity = opened.inspect(ref).id
        except SourceError:
            return None
        with file.open("wb") as out:
            for piece in opened.export(identity):
                out.write(piece)
        return read(file)


def read(archive: Path) -> tuple[HistoryStep, ...]:
    """The history of the first image in an archive. Raises InputError where it is none."""
    try:
        with tarfile.open(archive) as tar:
            manifest = _json(tar, "manifest.json")
            config = _json(tar, manifest[0]["Config"])
        layers = iter(config["rootfs"]["diff_ids"])
        return tuple(
            HistoryStep(
                text=_instruction(str(one.get("created_by", ""))),
                layer=None if one.get("empty_layer") else next(layers, None),
            )
            for one in config.get("history", [])
        )
    except (tarfile.TarError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{archive} is not an image archive: {str(error).partition(chr(10))[0]}",
            remedy="write one with `docker save` or `podman save`",
        ) from error


def differences(one: Sequence[HistoryStep], other: Sequence[HistoryStep]) -> Iterator[str]:
    """What differs, from the first step on that does: what stands below follows from it."""
    same = 0
    for before, after in zip(one, other, strict=False):
        if (before.text, before.layer) != (after.text, after.layer):
            break
        same += 1
    yield f"{same} step{'' if same == 1 else 's'} the same"
    if same == len(one) == len(other):
        return
    for place in range(same, max(len(one), len(other))):
        yield from _step(
            one[place] if place < len(one) else None,
            other[place] if place < len(other) else None,
            root=place == same,
        )


def _step(before: HistoryStep | None, after: HistoryStep | None, *, root: bool) -> Iterator[str]:
    if before is None or after is None:
        there = before or after
        where = "only in the first image" if after is None else "only in the second image"
        yield f"  {where}: {there.text[:60] if there else ''}"
    elif before.text != after.text:
        yield f"  text changed: {before.text[:60]} → {after.text[:60]}"
    elif before.layer != after.layer:
        why = "what it left differs: its inputs, or what it does, changed" if root else "follows"
        yield f"  {after.text[:60]}: {why}"


def _instruction(text: str) -> str:
    """The instruction in an engine's words, without the shell that it is wrapped in."""
    for head in ("/bin/sh -c #(nop) ", "/bin/sh -c "):
        if text.startswith(head):
            rest = text.removeprefix(head).strip()
            return rest if "nop" in head else f"RUN {rest}"
    return text.removesuffix(" # buildkit").strip()


def _json(tar: tarfile.TarFile, name: str) -> Any:
    member = tar.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is not a file")
    return json.load(member)
