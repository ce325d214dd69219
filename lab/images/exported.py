"""Images that an engine holds, brought here by its API's export; nothing is pulled or tagged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import IO, Any

from lab.engines import open_engine
from lab.engines.endpoint import resolve
from lab.engines.protocol import Engine
from lab.host.content_cache import LAYER_LIMIT, Cache, Layer, writing
from lab.images.sources import archive
from lab.model.errors import EngineUnavailable, ImageNotFound, SourceError


def layers(
    store: Cache, engine: str, ref: str, endpoints: Mapping[str, str]
) -> tuple[list[Layer], dict[str, Any], str]:
    """Layers, settings and the id of an engine's image; what was exported once is kept by its id.

    Raises ImageNotFound where the engine has no such image, EngineUnavailable where none answers.
    """
    there = resolve(engine, endpoints.get(engine))
    if there is None:
        raise EngineUnavailable(
            f"no {engine} answers here that could hold {ref}",
            remedy="start its service, or name an address by DOCKER_HOST or CONTAINER_HOST",
        )
    with closing(open_engine(engine, endpoints.get(engine))) as opened:
        try:
            identity = str(opened.inspect(ref).id)
        except SourceError as error:
            raise _absent(engine, ref) from error
        found = store.entry(
            {"exported": identity, "engine": engine},
            lambda: _exported(store, opened, identity),
            say=lambda _: None,
            what=ref,
        )
    kept = [store.kept(digest, size) for digest, size in found["layers"]]
    return kept, dict(found["settings"]), identity


def _exported(store: Cache, engine: Engine, identity: str) -> dict[str, Any]:
    with store.temporary() as folder:
        path = folder / "exported.tar"
        with writing(path), path.open("wb") as out:
            _copied(engine.export(identity), out, identity)
        found, settings = archive.image(store, path)
    return {"layers": [[one.digest, one.size] for one in found], "settings": settings}


def _copied(pieces: Iterable[bytes], out: IO[bytes], what: str) -> None:
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > LAYER_LIMIT:
            raise SourceError(
                f"{what} is exported without end: that is no image", remedy="name another image"
            )
        out.write(piece)


def _absent(engine: str, ref: str) -> ImageNotFound:
    short = ref.rpartition("/")[2].partition(":")[0]
    file = re.sub(r"[^A-Za-z0-9_.-]", "-", short) or "image"
    return ImageNotFound(
        f"{engine} holds no image {ref}",
        remedy=f"`{engine} pull {ref}` brings one of a registry, or "
        f"`skopeo copy docker://{ref} docker-archive:{file}.tar` makes a file of it",
    )
