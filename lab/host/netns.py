"""A socket in another network namespace: it stays there whoever holds it, so one thread goes."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns is Python's from 3.12 on


def listen(namespace: Path | None, port: int = 0) -> socket.socket:
    """A socket that listens on 127.0.0.1 in ``namespace``, a file as in /proc/PID/ns; None: here.

    Port 0 takes any that is free. Raises OSError.
    """
    if namespace is None:
        return _listening(port)
    made: list[socket.socket | OSError] = []

    def there() -> None:
        # setns(2) moves the calling thread alone, and this one ends right after.
        try:
            _enter(namespace)
            made.append(_listening(port))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=there, name="netns")
    thread.start()
    thread.join()
    (found,) = made
    if isinstance(found, OSError):
        raise found
    return found


def _enter(namespace: Path) -> None:
    with namespace.open("rb") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))


def _listening(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(64)
    except OSError:
        made.close()
        raise
    return made
