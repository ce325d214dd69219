"""The images in a Podman service: what the lab brings, makes, and takes away again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.engines.image_archive import configurations
from lab.engines.image_history import entries
from lab.engines.json_stream import decoded, messages
from lab.engines.ledger import Ledger
from lab.engines.podman_service import Service
from lab.engines.protocol import HistoryEntry, ImageArchive
from lab.engines.strays import Held, bare, strays
from lab.model.errors import SourceError
from lab.model.record import Image

_PIECE = 1 << 20
_WORKER = "-working-container"


class Images:
    """The lab's images. Ids of built images, which may be shortened, and the names that the lab
    gave are noted: they say what it may remove from a user's service.
    """

    def __init__(
        self, service: Service, *, private: bool, cache_mounts: Path | None, made: Ledger
    ) -> None:
        self._service, self._private, self._cache_mounts = service, private, cache_mounts
        self._made = made

    def ensure(self, image: ImageArchive) -> None:
        """Make ``image.ref`` name this image; see lab.engines.protocol."""
        found = self.look(image.ref)
        if found is None or image.id not in (None, found.id):
            held = None if image.id is None else self.look(image.id)
            if held is not None:
                self.tag(held.id, image.ref)
            else:
                self._bring(image)
            found = self.inspect(image.ref)
        if image.id not in (None, found.id):
            raise SourceError(
                f"podman holds {found.id} as {image.ref}, not {image.id}",
                remedy="remove that image, or give the base another name",
            )
        self._made.note("base", [bare(found.id)])

    def tag(self, source: str, ref: str) -> None:
        """Let ``ref`` name what ``source`` names."""
        repository, _, tag = ref.rpartition(":")
        self._made.note("name", [ref])
        with self._service.translating(f"tag {source}"):
            self._service.call("POST", f"{_place(source)}/tag", {"repo": repository, "tag": tag})

    def inspect(self, ref: str) -> Image:
        """The image. Raises SourceError where there is none."""
        found = self.look(ref)
        if found is None:
            raise SourceError(f"podman holds no image {ref}", remedy="was its build successful?")
        return found

    def history(self, ref: str) -> tuple[HistoryEntry, ...]:
        """The steps that the image was made by; the service tells the newest first."""
        return entries(self._service.json("GET", f"{_place(ref)}/history"))

    def export(self, ref: str) -> Iterator[bytes]:
        """The image as `podman save` writes it."""
        place = f"{_place(self.inspect(ref).id)}/get"
        with self._service.translating(f"export {ref}"):
            response = self._service.call("GET", place, {"format": "docker-archive"}, stream=True)
            try:
                yield from response.iter_content(_PIECE)
            finally:
                response.close()

    def look(self, ref: str) -> Image | None:
        """The image that ``ref`` names, None where there is none."""
        with self._service.translating(f"look at {ref}"):
            response = self._service.call("GET", f"{_place(ref)}/json", ok=(404,))
            if response.status_code == 404:
                return None
            found = response.json()
        layers = (found.get("RootFS") or {}).get("Layers")
        return Image(
            id=f"sha256:{bare(found['Id'])}",
            size_bytes=found.get("Size"),
            layers=None if layers is None else len(layers),
        )

    def forget(self, *, everything: bool = False) -> bool:
        """Remove what was built, and say whether all of it is gone: Podman's layer cache is its
        images.

        A private service keeps nothing but the bases. On a user's service an image stays that the
        user has named or made something from; ``everything`` takes the bases that the lab brought
        away too.
        """
        if self._cache_mounts is not None:
            for folder in self._cache_mounts.glob("buildah-cache*"):
                shutil.rmtree(folder, ignore_errors=True)
        images = {image["Id"]: image for image in self._all()}
        made, kept = self._made.of_kind("image"), set(self._made.of_kind("base"))
        if everything:
            made += [*self._made.of_kind("brought"), *self._strays(images.values())]
            kept -= set(self._made.of_kind("brought"))
        victims = [
            key
            for key, image in images.items()
            if key not in kept and (self._private or self._removable(key, image, tuple(made)))
        ]
        ordered = sorted(victims, key=lambda key: _depth(key, images), reverse=True)
        stay = [key for key in ordered if not self._remove(key, images[key].get("Names") or [])]
        self._made.drop("image")
        self._made.note("image", stay)
        return not stay

    def look_around(self) -> None:
        """Note what there is in a user's service, before the first of the lab's own."""
        if not self._private and not self._made.of_kind("held"):
            self._made.note("worker", self._workers())
            self._made.note("held", ["", *(image["Id"] for image in self._all())])

    def busy(self) -> bool:
        """Whether the service still works for a build that was left: it ends its RUN first."""
        return bool(self._workers().difference(self._made.of_kind("worker")))

    def foreign(self, made: list[str], reused: list[str]) -> bool:
        """Whether a build took steps from images that the lab did not make."""
        mine = (*self._made.of_kind("image"), *made)
        return not self._private and any(not key.startswith(mine) for key in reused)

    def _removable(self, key: str, image: dict[str, Any], made: tuple[str, ...]) -> bool:
        names = self._made.of_kind("name")
        return key.startswith(made) and set(names).issuperset(image.get("Names") or ())

    def _all(self) -> list[dict[str, Any]]:
        return list(self._service.json("GET", "/images/json", {"all": "true"}))

    def _workers(self) -> set[str]:
        """The containers that buildah builds in."""
        external = {"all": "true", "external": "true"}
        listed = self._service.json("GET", "/containers/json", external)
        return {one["Id"] for one in listed if any(_WORKER in name for name in one["Names"])}

    def _strays(self, images: Iterable[dict[str, Any]]) -> set[str]:
        if self._private or not self._made.of_kind("held"):
            return set()
        held = (
            Held(id=one["Id"], parent=one.get("ParentId") or "", named=bool(one.get("Names")))
            for one in images
        )
        known = [one for kind in ("image", "brought", "base") for one in self._made.of_kind(kind)]
        before, made_by = self._made.of_kind("held"), self._made_by
        return strays(held, before, known, self._made.of_kind("step"), made_by)

    def _made_by(self, key: str) -> str:
        return str(self._service.json("GET", f"/images/{key}/history")[0]["CreatedBy"])

    def _remove(self, key: str, names: list[str]) -> bool:
        """Without force an image stays that has children, containers or several names."""
        with self._service.translating("remove an image"):
            for name in [] if self._private else names[1:]:
                repository, _, tag = name.rpartition(":")
                self._service.call("POST", f"/images/{key}/untag", {"repo": repository, "tag": tag})
            force = {"force": "true" if self._private else "false"}
            done = self._service.call("DELETE", f"/images/{key}", force, ok=(404, 409))
        return bool(done.status_code != 409)

    def _bring(self, image: ImageArchive) -> None:
        refs = {image.ref} | (configurations(image.path).keys() if image.path else set())
        self._made.note("name", refs)  # all that an archive holds is loaded
        if image.path is not None:
            self._made.note("brought", [] if image.id is None else [bare(image.id)])
            with self._service.translating(f"load {image.ref}"), image.path.open("rb") as archive:
                self._service.upload("/images/load", None, archive).raise_for_status()
        else:
            self._pull(image.ref)
        ids = [bare(self.inspect(ref).id) for ref in refs]
        self._made.note("brought", ids)
        self._made.note("base", ids)  # a cold build would else take away what came along

    def _pull(self, ref: str) -> None:
        with self._service.translating(f"pull {ref}"):
            response = self._service.call("POST", "/images/pull", {"reference": ref}, stream=True)
            for data in messages(response.iter_content(None)):
                if reason := decoded(data).get("error"):
                    raise SourceError(
                        f"podman cannot pull {ref}: {reason}",
                        remedy="check the name, the network and the registry's access",
                    )


def _place(ref: str) -> str:
    return f"/images/{quote(ref, safe='')}"


def _depth(key: str, images: dict[str, dict[str, Any]]) -> int:
    """How many of the images an image stands on."""
    count = 0
    while (key := images.get(key, {}).get("ParentId") or "") and count < len(images):
        count += 1
    return count
