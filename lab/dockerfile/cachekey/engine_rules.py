"""Which rules each engine's versions have: what `make matrix` saw (docs/cache-matrix.md)."""

from __future__ import annotations

import re
from dataclasses import replace

from lab.dockerfile.cachekey.rules import Rules
from lab.model.engine_name import family, identity

_BUILDKIT_UNSEEN = frozenset({"checksum", "link"})


def archive_rules(engine: str, version: str = "", storage: str = "") -> Rules:
    """The rules of an engine that gets the context as an archive, as the lab's own builds send it.

    ``engine`` is its name, ``version`` and ``storage`` what it said of itself; an unknown version
    is taken for the newest that the name allows.
    """
    store = storage or engine
    kind, version = identity(engine, version)
    number = _version(version)
    match kind:
        case "docker":
            return Rules(
                engine=engine,
                metadata=False,
                environment=True,
                argument_text=False,
                owner=number >= (23,),
                mount_owner=number >= (23,),
                within=False,
                cleans=True,
                one_slash=True,
                clean_workdir=True,
                cache_mounts="kinds" if number >= (26,) else "options",
                links=_containerd(store, number),
                unseen_flags=_BUILDKIT_UNSEEN - ({"link"} if _containerd(store, number) else set()),
                mount_contents=True,
                copies_nothing=True,
            )
        case "docker-classic":
            return Rules(
                engine=engine,
                pairs=True,
                clean_workdir=number >= (23,),
                owner=True,
                mounts=False,
                cache_mounts="options",
                ignores="own",
                all_stages=True,
                cleans=True,
            )
        case "podman":
            return Rules(
                engine=engine,
                fills_in=False,
                names=True,
                argument_text=False,
                added=True,
                margins=True,
                owner=number < (5, 5),
                root_alone=True,
                mount_owner=number >= (5, 4),
                mount_time=(5, 4) <= number < (5, 5),
                mounts=number >= (5, 4),
                excludes_below=False,
                restores_arguments=number >= (4, 4),
                ignores="all",
                cleans=True,
            )
        case _:
            return Rules(engine=engine, fills_in=False, workdir=True, contents=False)


def _containerd(store: str, number: tuple[int, ...]) -> bool:
    """Whether images are in containerd's store: told, or as new installs have it since 29.

    It can put a layer of COPY --link on any other; graph drivers cannot, and build it as a COPY.
    """
    told = "containerd" in store or "graph" in store or "overlay2" in store
    return "containerd" in store if told else number >= (29,)


def client_rules(engine: str, version: str = "", storage: str = "") -> Rules:
    """The rules of an engine that its own client drives, from a folder: no archive is sent.

    Docker's clients send every file as root's (tried: docker 20.10.24's own, and buildx 0.29 with
    docker 28.5.2), and keep back a Dockerfile that .dockerignore names. Podman 4.3.1,
    built from a folder, tells root from others, as of an archive.
    """
    found = archive_rules(engine, version, storage)
    if family(found.engine) not in {"docker", "docker-classic"}:
        return found
    return replace(found, owner=False, ignores="own")


def _version(text: str) -> tuple[int, ...]:
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else (10**6,)
