"""The images of a Docker daemon: the same bytes under the same names as in every engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.engines.docker_client import NOT_FOUND, REFUSED, check, missing, translated
from lab.engines.docker_stream import Body
from lab.engines.image_archive import configurations
from lab.engines.image_history import entries
from lab.engines.ledger import Ledger
from lab.engines.protocol import HistoryEntry, ImageArchive
from lab.engines.strays import Held, bare, strays
from lab.model.errors import SourceError
from lab.model.record import Image


class Images:
    """Images of one daemon. The names that are given here, and what is loaded, are noted."""

    def __init__(self, api: Any, *, engine: str, containerd: bool, made: Ledger) -> None:
        self._api = api
        self._engine = engine
        self._containerd = containerd
        self._made = made

    def ensure(self, image: ImageArchive) -> None:
        """Make ``image.ref`` name this very image; load or pull it only where it is missing."""
        with translated(f"{image.ref} in {self._engine}"):
            found = self.find(image.ref)
            if image.path is None:
                if found is None:
                    self._pull(image.ref)
                return
            if found is not None and self._is(found, image, image.path):
                self._made.note("base", [bare(found["Id"])])
                return
            if image.id is not None and self.find(image.id) is not None:
                self._made.note("base", [bare(image.id)])
                self.tag(image.id, image.ref)
                return
            # All that it holds is loaded.
            self._made.note("ref", [image.ref, *configurations(image.path)])
            self._made.note("brought", [] if image.id is None else [image.id])
            with image.path.open("rb") as file:
                for message in self._api.load_image(Body(file, image.path.stat().st_size)):
                    check(message, image.ref)
            found = self.find(image.ref)
            self._made.note("brought", [] if found is None else [str(found["Id"])])
            if found is None or not self._is(found, image, image.path):
                raise SourceError(
                    f"{image.path} was loaded into {self._engine}: {image.ref} is another image",
                    remedy="remove the archive from the lab's cache: it is made anew",
                )

    def tag(self, source: str, ref: str) -> None:
        """Let ``ref`` name the image that ``source`` names, whatever it named before."""
        repository, _, tag = ref.rpartition(":")
        self._made.note("ref", [ref])
        with translated(f"{source} in {self._engine}"):
            self._api.tag(source, repository, tag, force=True)

    def inspect(self, ref: str) -> Image:
        """The image's id, size in bytes and number of layers."""
        with translated(f"{ref} in {self._engine}"):
            found = self._api.inspect_image(ref)
        return Image(
            id=found["Id"],
            size_bytes=found.get("Size"),
            layers=len((found.get("RootFS") or {}).get("Layers") or ()),
        )

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:
        """The steps that the image was made by; the daemon tells the newest first."""
        with translated(f"{ref} in {self._engine}"):
            told = self._api.history(ref)
        return entries(told)

    def export(self, ref: str) -> Iterator[bytes]:
        """The image as `docker save` writes it, under its id: a name may stand for several."""
        with translated(f"{ref} in {self._engine}"):
            yield from self._api.get_image(self._api.inspect_image(ref)["Id"])

    def find(self, ref: str) -> dict[str, Any] | None:
        """What the daemon knows of an image; None where it has none of that name."""
        try:
            return dict(self._api.inspect_image(ref))
        except NOT_FOUND:
            return None

    def remove(self, refs: Iterable[str], *, force: bool = False) -> None:
        """Take names away, and the images that have no other."""
        for ref in refs:
            with suppress(REFUSED):  # gone already, or in use by somebody else
                self._api.remove_image(ref, force=force)

    def remove_unnamed(self, ids: Iterable[str]) -> bool:
        """Remove images that nobody has given a name, children before what they stand on; whether
        all are gone.
        """
        left = set(ids)
        while gone := {one for one in left if self._gone(one)}:
            left -= gone
        return not left

    def look_around(self) -> None:
        """Note which images there are, before the first of the lab's own."""
        if not self._made.of_kind("held"):
            self._made.note("held", ["", *(one.id for one in self._all())])

    def strays(self) -> set[str]:
        """Images that the first builder finished after the lab had left it."""
        kinds = ("image", "brought", "base")
        return strays(
            self._all(),
            self._made.of_kind("held"),
            [bare(one) for kind in kinds for one in self._made.of_kind(kind)],
            self._made.of_kind("step"),
            lambda one: str(self._api.history(one)[0]["CreatedBy"]),
        )

    def _all(self) -> list[Held]:
        return [
            Held(
                id=bare(one["Id"]),
                parent=bare(one.get("ParentId") or ""),
                named=bool(set(one.get("RepoTags") or ()) - {"<none>:<none>"}),
            )
            for one in self._api.images(all=True)
        ]

    def _gone(self, identity: str) -> bool:
        found = self.find(identity)
        if found is None:
            return True
        if found.get("RepoTags"):
            return False
        try:
            self._api.remove_image(identity)
        except REFUSED:  # another stands on it, or somebody uses it
            return False
        return True

    def _is(self, found: Mapping[str, Any], image: ImageArchive, path: Path) -> bool:
        if found["Id"] == image.id:
            return True
        if not self._containerd and image.id is not None:
            return False
        # The containerd store names an image by its manifest, which the archive does not hold.
        config = configurations(path)[image.ref]
        same_layers = found["RootFS"].get("Layers") == config["rootfs"]["diff_ids"]
        labels = (config.get("config") or {}).get("Labels") or {}
        return same_layers and ((found.get("Config") or {}).get("Labels") or {}) == labels

    def _pull(self, ref: str) -> None:
        repository, _, tag = ref.rpartition(":")
        if not repository or "/" in tag:
            repository, tag = ref, "latest"
        self._made.note("ref", [ref])
        try:
            for message in self._api.pull(repository, tag, stream=True, decode=True):
                check(message, ref)
        except REFUSED as error:
            raise missing(ref, error.explanation or str(error)) from error
