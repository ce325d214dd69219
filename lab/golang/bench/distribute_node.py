"""The rehearsal's node, run by itself in a network namespace: name, archive, sums, a go command."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    plan, server = json.loads(sys.argv[1]), sys.argv[2]
    connect(plan, server)
    took: dict[str, float] = {}
    begun = time.perf_counter()

    def part(name: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        took[name], begun = now - begun, now

    address = resolve(plan["name"], plan["server"])
    part("look up")
    target = Path(plan["target"])
    target.mkdir()
    settings = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GOROOT_URL": f"http://{address}:{plan['port']}/{Path(plan['archive']).name}",
        "GOROOT_SHA256": plan["digest"],
        "GOROOT_NAME": plan["folder"],
        "GOROOT_ROOT": str(target),
    }
    for name in ("pull", "check", "unpack", "publish"):
        subprocess.run(["sh", plan["script"], name], check=True, env=settings)
        part(name)
    start(target / "current")
    part("start")
    start(Path(plan["local"]))
    part("local")
    json.dump(took, sys.stdout)


def connect(plan: dict[str, str], server: str) -> None:
    """A veth pair: one end here, the other in the server's namespace."""
    for command in (
        "ip link set lo up",
        f"ip link add lab-node type veth peer name lab-server netns {server}",
        f"ip address add {plan['node']}/24 dev lab-node",
        "ip link set lab-node up",
        f"nsenter --net=/proc/{server}/ns/net ip address add {plan['server']}/24 dev lab-server",
        f"nsenter --net=/proc/{server}/ns/net ip link set lab-server up",
    ):
        subprocess.run(command.split(), check=True)


def resolve(name: str, server: str) -> str:
    """The address of a name, asked of this server over UDP (RFC 1035)."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack(">HHHHHH", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(query + b"\x00\x00\x01\x00\x01", (server, 53))
        answer = asking.recv(512)
    return socket.inet_ntoa(answer[-4:])


def start(goroot: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "GOTOOLCHAIN": "local", "HOME": "/nonexistent"}
    subprocess.run(
        [goroot / "bin/go", "version"], check=True, stdout=subprocess.DEVNULL, env=environment
    )


if __name__ == "__main__":
    main()
