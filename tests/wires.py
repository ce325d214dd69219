"""Network namespaces on one bridge: hosts with links of their own, which can be cut."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wires:
    """A namespace for each of ``names``, and one more with the bridge; the machine's own is left
    as it is.
    """

    names: tuple[str, ...]

    @classmethod
    @contextmanager
    def open(cls, names: Sequence[str]) -> Iterator[Wires]:
        """Lay them; they are taken away with the block."""
        wires = cls(tuple(names))
        spaces = [wires._space(one) for one in ("hub", *names)]
        try:
            for one in spaces:
                _ip("netns", "add", one)
                _ip("-n", one, "link", "set", "lo", "up")
            hub = spaces[0]
            _ip("-n", hub, "link", "add", "hub", "type", "bridge")
            _ip("-n", hub, "link", "set", "hub", "up")
            for name, one in zip(names, spaces[1:], strict=True):
                peer = ("peer", "name", "eth0", "netns", one)
                _ip("-n", hub, "link", "add", "name", name, "type", "veth", *peer)
                _ip("-n", hub, "link", "set", "dev", name, "master", "hub", "up")
                _ip("-n", one, "address", "add", f"{wires.address(name)}/24", "dev", "eth0")
                _ip("-n", one, "link", "set", "eth0", "up")
            yield wires
        finally:
            for one in spaces:
                subprocess.run(["ip", "netns", "delete", one], check=False)

    def address(self, name: str) -> str:
        """Where others reach it."""
        return f"10.77.0.{1 + self.names.index(name)}"

    def within(self, name: str) -> list[str]:
        """What goes before a command that is to run there."""
        return ["nsenter", f"--net=/run/netns/{self._space(name)}"]

    def cut(self, name: str, *, whole: bool = False) -> None:
        """Let nothing through, or all again."""
        _ip("-n", self._space("hub"), "link", "set", "dev", name, "up" if whole else "down")

    def _space(self, name: str) -> str:
        return f"lab-test-{os.getpid()}-{name}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
