"""Controls where cgroup v2 is all there is: in a guest, for this machine may have v1 as well."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from lab.host.process import found
from lab.validate import kernels
from tests.contract import guest

# The guest's side. It mounts what a host has mounted, lays a private engine's storage on a block
# device, and then does with the lab's own modules what a run does.
SCRIPT = """
import ctypes, json, os, signal, sys, time, traceback
sys.path.insert(0, "/")
libc = ctypes.CDLL(None, use_errno=True)

def mount(what, where, kind, flags=0):
    os.makedirs(where, exist_ok=True)
    if libc.mount(what.encode(), where.encode(), kind.encode(), flags, None):
        raise OSError(ctypes.get_errno(), where)

def main():
    mount("proc", "/proc", "proc")
    mount("sys", "/sys", "sysfs")
    mount("dev", "/dev", "devtmpfs")
    mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
    for name in sorted(os.listdir("/module")):
        with open(f"/module/{name}", "rb") as file:
            libc.syscall(313, file.fileno(), b"", 0)  # finit_module
    os.environ["LAB_CACHE"] = "/cache"
    from lab.host import cgroups, paths
    from lab.host.controls.active import hold, survey
    from lab.host.controls.types import Controls
    group = cgroups.make("lab-podman-guest")
    storage = paths.state_dir() / "podman-guest"
    loop(storage)
    place = group.folders[cgroups.V2]
    names = ("memory.max", "cpuset.cpus", "cpuset.cpus.partition", "io.max")

    def state():
        return {name: (place / name).read_text().strip() for name in names}

    def read():
        drop(storage / "big")
        start = time.monotonic()
        child = os.fork()
        if not child:
            (place / "steps" / "cgroup.procs").write_text("0")
            with open(storage / "big", "rb") as file:
                while file.read(1 << 17):
                    pass
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        return time.monotonic() - start

    said = {"version": group.version, "before": state(), "free_s": read(), "lines": []}
    asked = Controls(memory=96 * 2**20, cpus="1", disk_read=2_000_000, disk_write=3_000_000)
    about = ("name", "state", "reason", "was", "held")
    with hold(asked, {"podman": group}, say=said["lines"].append) as held:
        said["told"] = [{key: getattr(one, key) for key in about} for one in held.outcomes]
        said["held"] = state()
        said["slow_s"] = read()
        said["others"] = sorted(os.sched_getaffinity(0))
    said["after"] = state()
    ready, tell = os.pipe()
    owner = os.fork()
    if not owner:
        with hold(asked, {"podman": group}, say=print):
            os.write(tell, b"x")
            time.sleep(600)
    os.read(ready, 1)
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    said["killed"] = state()
    with hold(Controls(), {}, say=said["lines"].append):
        said["restarted"] = state()
    said["offered"] = {one.name: one.reason for one in survey()}
    return said

def loop(folder):
    # LOOP_SET_FD of the image on the first loop device, then mount it where the storage lies.
    import fcntl
    os.makedirs(folder)
    image, device = os.open("/storage.squashfs", os.O_RDONLY), os.open("/dev/loop0", os.O_RDONLY)
    fcntl.ioctl(device, 0x4C00, image)
    mount("/dev/loop0", str(folder), "squashfs", 1)

def drop(file):
    with open("/proc/sys/vm/drop_caches", "w") as switch:
        switch.write("3")

try:
    said = main()
except BaseException:
    said = {"failed": traceback.format_exc()}
print("\\nSAID" + json.dumps(said) + "DIAS", flush=True)
os.sync()
libc.reboot(0x1234567)
"""
SIZE = 4_000_000


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the guest found."""
    folder = tmp_path_factory.mktemp("storage")
    (folder / "in").mkdir()
    (folder / "in" / "big").write_bytes(os.urandom(SIZE))
    program, image = found("mksquashfs"), folder / "storage.squashfs"
    assert program is not None, "no mksquashfs: lab doctor --install"
    subprocess.run([program, folder / "in", image, "-quiet", "-no-progress"], check=True)
    kernel = kernels.resolve("6.12", say=print)
    console = guest.run(kernel, SCRIPT, {"storage.squashfs": image})
    _, mark, told = console.partition("SAID")
    assert mark, console[-3000:]
    answer: dict[str, Any] = json.loads(told.partition("DIAS")[0])
    assert "failed" not in answer, answer["failed"]
    return answer


def test_every_control_takes_hold_and_is_read_back(said: dict[str, Any]) -> None:
    assert said["version"] == "v2"
    told = {one["name"]: one for one in said["told"]}
    assert {name: one["state"] for name, one in told.items()} == dict.fromkeys(
        ("cpus", "cpus-exclusive", "memory", "disk-read", "disk-write"), "applied"
    ), told
    assert said["held"]["memory.max"] == str(96 * 2**20)
    assert said["held"]["cpuset.cpus"] == "1"
    assert said["held"]["cpuset.cpus.partition"] == "root"
    assert said["held"]["io.max"] == "7:0 rbps=2000000 wbps=3000000 riops=max wiops=max"
    assert said["others"] == [0]  # nobody else is on the engine's CPU


def test_a_limit_of_v2_slows_reading_down(said: dict[str, Any]) -> None:
    assert said["slow_s"] > 0.8 * SIZE / 2_000_000
    assert said["slow_s"] > 2 * said["free_s"]


def test_all_is_put_back_at_the_end_and_after_a_kill(said: dict[str, Any]) -> None:
    assert said["after"] == said["before"]
    assert said["killed"] == said["held"]
    assert said["restarted"] == said["before"]
    assert said["lines"][-1] == "putting back what a killed lab changed on this machine"
