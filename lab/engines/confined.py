"""A daemon in namespaces of its own that cannot outlive the lab.

Three things hold together here. A PID namespace: when its first process ends, the kernel ends the
daemon and all that it started (containerd, shims, containers). A mount namespace: what the daemon
mounts goes with it, and the host's /run and /dev/shm are covered where daemons share state. A
lifeline: the first process reads a pipe whose other end only the lab holds, and stops the daemon
when that end closes, even where the lab was killed with -9.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.host.process import Argument, found
from lab.model.errors import EngineUnavailable

STOP_S = 10.0

# Where daemons keep state that two of them would share whatever their --root says.
SHARED_PLACES = (
    "/run/containerd",
    "/run/docker",
    "/run/runc",
    "/run/crun",
    "/run/libpod",
    "/run/containers",
    "/run/netns",
    "/var/lib/containers",
    "/dev/shm",  # noqa: S108 (podman's lock segment lies there under a fixed name)
)

# The daemon's network namespace has a way out where slirp4netns is there: user-mode networking
# that adds neither a bridge nor a firewall rule to the host. 10.0.2.3 is slirp4netns's resolver.
_SUPERVISE = """
set -eu
exec 3<&0 </dev/null
for group in $LAB_GROUPS; do
    echo 0 >"$group"
done
for place in $LAB_COVER; do
    mkdir -p "$place" && mount -t tmpfs -o mode=1777 lab "$place"
done
if [ -n "$LAB_ROOT" ]; then
    set -- unshare --mount sh -c "$LAB_ENTER" lab "$@"
fi
if [ -n "$LAB_NETWORK" ]; then
    : >"$LAB_NETWORK"
    unshare --net="$LAB_NETWORK" ip link set lo up
    if command -v slirp4netns >/dev/null; then
        echo 'nameserver 10.0.2.3' >"$LAB_NETWORK.resolv"
        [ ! -e /etc/resolv.conf ] || mount --bind "$LAB_NETWORK.resolv" /etc/resolv.conf
        slirp4netns --configure --mtu=65520 --netns-type=path "$LAB_NETWORK" tap0 3<&- &
    fi
    set -- nsenter --net="$LAB_NETWORK" "$@"
fi
"$@" 3<&- &
daemon=$!
{ cat <&3 >/dev/null; kill -TERM $daemon; } &
wait $daemon
"""

# Another root for the daemon, as switch_root(8) does it: runc needs `/` to be a mount of its own,
# which a plain chroot is not. What is written to it lies in memory and goes with the namespace.
_ENTER = """
set -eu
mount -t tmpfs -o mode=755 lab "$LAB_STAGE"
cd "$LAB_STAGE"
mkdir lower upper work root
mount --bind "$LAB_ROOT" lower
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work lab root
cd root
mkdir -p proc sys dev run tmp etc
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 lab dev/shm
mount -t tmpfs -o mode=755 lab run
mount -t tmpfs -o mode=1777 lab tmp
for place in "$LAB_FOLDER" "$LAB_SOCKETS"; do
    mkdir -p ".$place"
    mount --rbind "$place" ".$place"
done
rm -f etc/resolv.conf
[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf >etc/resolv.conf
mount --move . /
PATH=$LAB_PATH exec chroot . "$@"
"""


# A podman that sees one of these, even empty, takes itself for a client.
_CLIENT_VARIABLES = {"CONTAINER_HOST", "CONTAINER_CONNECTION", "DOCKER_HOST", "DOCKER_CONTEXT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRoot:
    """A root for the daemon: ``lower`` is only read. ``stage`` is an empty folder to mount on.

    ``folder`` and ``sockets`` are seen in it at the paths that they have here, and nothing else of
    the host but /sys and /dev. ``path`` is where programs lie in it.
    """

    lower: Path
    stage: Path
    folder: Path
    sockets: Path
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """A running daemon. ``pid`` is of the process whose end takes everything else with it."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """Close the lifeline and wait; kill what has not ended by then."""
        self._let_go()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        # Also where it ended in order: without namespaces, what it started can still be there.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def kill(self) -> None:
        """End it at once, with all that it started: for a daemon whose storage goes with it."""
        if os.geteuid() != 0:  # without namespaces only its own end takes everything along
            self.stop()
            return
        # The namespace's first process, not the whole group: unshare waits for it, and the kernel
        # lets it end only when all that it started has ended. Then nobody writes there any more.
        own = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with suppress(OSError):
            for child in own.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.stop()

    def _let_go(self) -> None:
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()


def start(
    command: Sequence[Argument],
    *,
    log: Path,
    environment: Mapping[str, str],
    network: Path | None,
    groups: Sequence[Path] = (),
    other: OtherRoot | None = None,
) -> Confined:
    """Start a daemon whose output goes to ``log``, in the control groups of these entrances.

    ``network`` names the file that will hold its network namespace; None leaves it in the host's.
    Without root there are no namespaces: the lifeline alone ends the daemon. With ``other`` the
    command's program and its paths are of that root, which only root can give it.
    """
    root = os.geteuid() == 0
    # --kill-child: whoever kills unshare kills the namespace's first process, and so everything.
    walls = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
    line = [*(walls if root else []), "sh", "-c", _SUPERVISE, "lab", *map(str, command)]
    program = found(line[0])
    if program is None:
        raise EngineUnavailable(
            f"a private engine needs {line[0]}", remedy="apt-get install util-linux"
        )
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    settings = {
        "PATH": path,
        "LAB_COVER": " ".join(SHARED_PLACES) if root and other is None else "",
        "LAB_NETWORK": str(network or ""),
        "LAB_GROUPS": " ".join(map(str, groups)),
        **_entering(other),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(program), *line[1:]],
            env=_inherited() | settings | dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the lab's to handle: it stops the daemon in order
        )
    return Confined(process=process)


def _entering(other: OtherRoot | None) -> dict[str, str]:
    if other is None:
        return {"LAB_ROOT": ""}
    return {
        "LAB_ROOT": str(other.lower),
        "LAB_STAGE": str(other.stage),
        "LAB_FOLDER": str(other.folder),
        "LAB_SOCKETS": str(other.sockets),
        "LAB_PATH": other.path,
        "LAB_ENTER": _ENTER,
        "HOME": "/root",
    }


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _CLIENT_VARIABLES}
