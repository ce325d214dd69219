"""Projects of several stages and edits of them: each RUN keeps a random value of its own."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from lab.engines.protocol import ImageArchive
from lab.host.process import found
from lab.model.errors import MissingPrerequisite
from tests.fresh_builds import FRESH, Project

BIG = "head -c 3000000 /dev/urandom >"  # so that the protocol's own bytes are few beside it
COLLECT = "COPY --from={0} /oracle /oracle"

_LINE = f"""FROM BASE AS tools
RUN {FRESH}tools; {BIG} /tool
FROM BASE AS build
ARG MODE=fast
COPY --from=tools /oracle /oracle
COPY --from=tools /tool /tool
COPY go.mod /go.mod
RUN --mount=type=cache,id=lab-truth,target=/c {FRESH}deps; {BIG} /deps
COPY src /src
RUN cat /src/a /deps > /dev/null; {FRESH}compiled
FROM BASE
RUN {FRESH}final
COPY --from=build /oracle /oracle
"""
_FORK = f"""FROM BASE AS deps
COPY go.mod /go.mod
RUN {FRESH}tools; {BIG} /deps
FROM deps AS server
COPY src /s
RUN {FRESH}server; {BIG} /server
FROM deps AS client
ARG MODE=fast
COPY assets /c
RUN : $MODE; {FRESH}client
FROM server AS tests
RUN {FRESH}tests
FROM BASE
WORKDIR /app
RUN {FRESH}setup
COPY --from=server /oracle /oracle
COPY --from=client /oracle /oracle
RUN {FRESH}packed
"""
_MOUNTS = f"""FROM BASE AS tools
ENV LEVEL=1
RUN {FRESH}tools; {BIG} /tool
FROM BASE AS fetch
WORKDIR /w
COPY go.mod .
RUN --mount=type=bind,from=tools,source=/,target=/t {FRESH}fetch; {BIG} /fetched
FROM fetch AS compile
COPY src ./src
ARG MODE=fast
RUN --mount=type=cache,target=/c {FRESH}compile
FROM fetch
COPY --from=compile /oracle/compile /oracle/compile
COPY --from=tools /oracle/tools /oracle/tools
RUN {FRESH}end
"""
_FILES = {"go.mod": "m", "src/a": "a", "src/b": "b", "assets/x": "x"}
PROJECTS: Mapping[str, Project] = {
    name: Project(text=text, files=_FILES)
    for name, text in (("line", _LINE), ("fork", _FORK), ("mounts", _MOUNTS))
}


def _file(path: str) -> Callable[[Project], Project]:
    return lambda one: replace(one, files={**one.files, path: "edited"})


# What a job may find changed since the cache was saved.
EDITS: Mapping[str, Callable[[Project], Project]] = {
    "nothing": lambda one: one,
    "source": _file("src/a"),
    "new file": _file("src/new"),
    "manifest": _file("go.mod"),
    "argument": lambda one: replace(one, args={"MODE": "slow"}),
    "instruction": lambda one: replace(
        one, text=one.text.replace(f"RUN {FRESH}tools", f"RUN : edited; {FRESH}tools")
    ),
}


def base(folder: Path) -> ImageArchive:
    """A base of one program, BusyBox: it is loaded in no time by each of many engines."""
    program = found("busybox")
    if program is None:
        raise MissingPrerequisite("no busybox", remedy="apt-get install busybox-static")
    layer = _tar(
        {"bin/busybox": program.read_bytes()},
        links={f"bin/{one}": "busybox" for one in ("sh", "mkdir", "cat", "head", "sleep")},
        folders=("tmp", "proc", "sys", "dev", "etc"),
    )
    about = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "busybox"}],
        "created": "2026-01-01T00:00:00Z",
    }
    config = json.dumps(about).encode()
    id_ = sha256(config).hexdigest()
    ref = "localhost/lab/tiny:base"
    manifest = [{"Config": f"{id_}.json", "RepoTags": [ref], "Layers": ["layer.tar"]}]
    path = folder / "base.tar"
    path.write_bytes(
        _tar(
            {
                "manifest.json": json.dumps(manifest).encode(),
                f"{id_}.json": config,
                "layer.tar": layer,
            }
        )
    )
    return ImageArchive(ref=ref, id=f"sha256:{id_}", path=path)


def _tar(
    files: Mapping[str, bytes],
    links: Mapping[str, str] | None = None,
    folders: tuple[str, ...] = (),
) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in folders:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for name, data in files.items():
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(data), 0o755
            tar.addfile(file, BytesIO(data))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return out.getvalue()
