"""A registry of the lab's own: Debian's docker-registry on a Unix socket, confined as engines are.

No port of the host is open for it: engines reach it through a relay (lab.host.relay) on loopback
of the network namespace that they work in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.engines.endpoint import reachable
from lab.engines.private import Place, Private, own_folder, start
from lab.engines.registry_log import Counter
from lab.engines.roots import HOST
from lab.host import paths
from lab.host.disk import disk
from lab.host.process import Argument, found
from lab.model.errors import EngineUnavailable

PROGRAM = "docker-registry"
_SETTINGS = """\
version: 0.1
log:
  level: error
  accesslog:
    disabled: false
storage:
  filesystem:
    rootdirectory: {data}
  delete:
    enabled: true
http:
  net: unix
  addr: {socket}
  relativeurls: true
  secret: none
"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that answers on ``socket``. ``close`` stops it and removes what it held."""

    socket: Path
    log: Counter
    _daemon: Private

    @property
    def data(self) -> Path:
        """The folder in which it keeps what was pushed to it."""
        return self._daemon.folder / "data"

    def close(self) -> None:
        """Stop it and remove all that it kept. May be called more than once."""
        self._daemon.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_registry(
    say: Say,
    *,
    settings: str = "",
    first: Callable[[Path], Sequence[Argument]] = lambda _: (),
) -> Registry:
    """Start a registry with empty storage. Raises EngineUnavailable, DiskFull.

    ``settings`` are added to its own, with ``{data}`` for its data folder. ``first`` prepares
    that folder, and gives a command, if any, that runs the program that it is given.
    """
    program = found(PROGRAM)
    if program is None:
        raise EngineUnavailable(
            f"remote caches need a registry, and there is no {PROGRAM}",
            remedy="lab doctor --install",
        )
    with disk(paths.state_dir(), "set LAB_CACHE to a folder on another disk"):
        folder, lock, sockets = own_folder("registry", say)
        socket, data = sockets / "registry.sock", folder / "data"
        text = (_SETTINGS + settings).format(data=data, socket=socket)
        (folder / "config.yml").write_text(text, encoding="utf-8")
        data.mkdir()
        before = first(data)
    daemon = start(
        [*before, program, "serve", folder / "config.yml"],
        {},
        Place(folder, lock, sockets, HOST),
        network=None,
        say=say,
        answers=lambda endpoint: reachable(endpoint, "/"),
    )
    return Registry(socket, Counter(folder / "daemon.log"), daemon)
