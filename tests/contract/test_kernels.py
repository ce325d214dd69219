"""Really booted kernels against their published history, which is written down here."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from lab.images.sources import bootstrap
from lab.images.sources.base_images import base
from lab.images.sources.types import Base, BaseSource
from lab.model.errors import VmBootFailed
from lab.validate import kernels, probes
from lab.validate.kernels import Confinement, roots
from lab.validate.probes import ProbeResults
from tests.contract.conftest import BASE, Bench

KERNELS = ("5.10", "6.1", "6.12", "7.2")
MAN = "https://man7.org/linux/man-pages/man2/"
CALLS = f"{MAN}syscalls.2.html"
KERNELNEWBIES = "https://kernelnewbies.org/Linux_"
# call -> (first kernel, where that is published). Not taken from the code under test.
HISTORY: dict[str, tuple[tuple[int, int], str]] = {
    "clone": ((1, 0), CALLS),
    "clone3": ((5, 3), f"{MAN}clone.2.html"),
    "memfd_secret": ((5, 14), f"{MAN}memfd_secret.2.html"),
    "openat2": ((5, 6), f"{MAN}openat2.2.html"),
    "close_range": ((5, 9), f"{MAN}close_range.2.html"),
    "faccessat2": ((5, 8), f"{MAN}access.2.html"),
    "epoll_pwait2": ((5, 11), f"{MAN}epoll_wait.2.html"),
    "landlock_create_ruleset": ((5, 13), f"{MAN}landlock_create_ruleset.2.html"),
    "io_uring_setup": ((5, 1), f"{MAN}io_uring_setup.2.html"),
    "futex_waitv": ((5, 16), CALLS),
    "futex_wake": ((6, 7), f"{KERNELNEWBIES}6.7"),
    "cachestat": ((6, 5), CALLS),
    "fchmodat2": ((6, 6), CALLS),
    "map_shadow_stack": ((6, 6), CALLS),
    "mseal": ((6, 10), f"{KERNELNEWBIES}6.10"),
    "statx": ((4, 11), f"{MAN}statx.2.html"),
    "pidfd_open": ((5, 3), f"{MAN}pidfd_open.2.html"),
    "pidfd_getfd": ((5, 6), f"{MAN}pidfd_getfd.2.html"),
    "process_madvise": ((5, 10), f"{MAN}process_madvise.2.html"),
    "process_mrelease": ((5, 15), CALLS),
    "quotactl_fd": ((5, 14), CALLS),
    "mount_setattr": ((5, 12), f"{MAN}mount_setattr.2.html"),
    "set_mempolicy_home_node": ((5, 17), CALLS),
    "memfd_create": ((3, 17), f"{MAN}memfd_create.2.html"),
    "userfaultfd": ((4, 3), f"{MAN}userfaultfd.2.html"),
    "bpf": ((3, 18), f"{MAN}bpf.2.html"),
    "perf_event_open": ((2, 6), f"{MAN}perf_event_open.2.html"),
    "membarrier": ((4, 3), f"{MAN}membarrier.2.html"),
    "rseq": ((4, 18), CALLS),
    "getrandom": ((3, 17), f"{MAN}getrandom.2.html"),
    "copy_file_range": ((4, 5), f"{MAN}copy_file_range.2.html"),
    "preadv2": ((4, 6), f"{MAN}readv.2.html"),
    "renameat2": ((3, 15), f"{MAN}rename.2.html"),
    "statmount": ((6, 8), f"{MAN}statmount.2.html"),
    "listmount": ((6, 8), f"{MAN}listmount.2.html"),
    "lsm_list_modules": ((6, 8), f"{KERNELNEWBIES}6.8"),
    "getxattrat": ((6, 13), f"{KERNELNEWBIES}6.13"),
    "open_tree_attr": ((6, 15), f"{KERNELNEWBIES}6.15"),
}
# There, but off: memfd_secret(2) says that before 6.5 it needs secretmem.enable=1, and since then
# it is on by default.
OFF = {("memfd_secret", "6.1")}
# What these answer to the prober's arguments where they are there: the man pages above.
ANSWERS = {
    "futex_waitv": {"EAGAIN"},  # the value differs
    "process_mrelease": {"EBADF"},
    "quotactl_fd": {"EBADF"},
    "renameat2": {"ENOENT", "EROFS"},
    "getxattrat": {"ENODATA", "EOPNOTSUPP"},
    "open_tree_attr": {"ENOENT"},
    # The emulated processor, like most real ones, has no shadow stacks.
    "map_shadow_stack": {"EOPNOTSUPP", "works"},
}
EPERM_FOR_CLONE3 = (
    '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": '
    '[{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}'
)


def asked(kernel: str) -> ProbeResults:
    booted = kernels.boot(kernels.resolve(kernel, say=print), timeout_s=120)
    (results,) = booted.results
    return results


def based(suite: str) -> Base:
    return base(BaseSource(kind="suite", value=suite, name=suite), say=print)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_booted_kernel_agrees_with_its_published_history(kernel: str) -> None:
    version = tuple(int(part) for part in kernel.split("."))
    results = asked(kernel)
    assert results.calls.keys() == HISTORY.keys()
    for name, (since, source) in HISTORY.items():
        there = version >= since and (name, kernel) not in OFF
        expected = ANSWERS.get(name, {"works"}) if there else {"ENOSYS"}
        assert results.calls[name].word in expected, f"{name} on {kernel}: see {source}"


def manual(tmp_path: Path) -> dict[str, str]:
    """Section 2 of the newest manual that Debian has, by page."""
    path = tmp_path / "manual" / "pages.tar"
    path.parent.mkdir()
    bootstrap.extract("sid", "manpages-dev", path, bootstrap.key("sid")["source"])
    pages = {}
    with tarfile.open(path) as tar:
        for one in tar:
            found = re.search(r"/man2/(\w+)\.2\.gz$", one.name)
            file = tar.extractfile(one) if found and one.isfile() else None
            if found and file is not None:
                pages[found[1]] = gzip.decompress(file.read()).decode()
    return pages


def test_the_history_here_and_the_labs_table_are_the_manuals(tmp_path: Path) -> None:
    pages = manual(tmp_path)
    listed = re.findall(r"^\\f\[B\](\w+)\\f\[\]\(2\)\t([\d.]+)", pages["syscalls"], re.MULTILINE)
    published = dict(listed)
    for name, page in pages.items():
        # The page of a call knows better than the list: syscalls(2) dates membarrier too early.
        history = re.search(r"^\.SH HISTORY(.*?)^\.SH ", page, re.MULTILINE | re.DOTALL)
        first = re.search(r"\bLinux (\d+\.\d+)", history[1]) if history else None
        if first and (name not in published or name == "membarrier"):
            published[name] = first[1]
    told = {name: published[name] for name in HISTORY if name in published}
    assert len(told) >= 27, told
    for name, version in told.items():
        first = tuple(int(part) for part in version.split("."))[:2]
        assert HISTORY[name][0] == first, name
        assert probes.TABLE[name].since_version == first, name
    # What the manual is silent of has the commit that brought it for its source.
    silent = HISTORY.keys() - told.keys()
    assert {name for name in HISTORY if "commit" in probes.TABLE[name].source} == silent


def test_the_labs_own_table_says_the_same() -> None:
    told = {name: call.since_version for name, call in probes.TABLE.items()}
    assert told == {name: since for name, (since, _) in HISTORY.items()}


def test_a_call_is_switched_on_and_off_by_the_kernels_arguments() -> None:
    assert asked("6.1,secretmem.enable=1").calls["memfd_secret"].word == "works"
    off = asked("6.12,secretmem.enable=0")
    assert off.calls["memfd_secret"].word == "ENOSYS"
    cause = probes.causes(off, kernel="6.12")
    assert cause["memfd_secret"].name == "switched off"
    assert "secretmem.enable=0" in cause["memfd_secret"].why
    assert cause["getxattrat"].name == "missing in the kernel"


def test_images_run_their_own_libc_on_an_old_kernel(tmp_path: Path) -> None:
    suites = {suite: based(suite) for suite in ("bullseye", "trixie")}
    packed = {suite: roots.of_base(one, say=print) for suite, one in suites.items()}
    booted = kernels.boot(
        kernels.resolve("5.10", say=print), packed, programs=probes.of_libc(), timeout_s=120
    )
    found = {one.root: one for one in booted.results}
    for suite, one in suites.items():
        facts = probes.libc_facts(found[suite])
        assert facts is not None
        assert facts["glibc"] == one.glibc  # read out of the file by other code
        assert facts["timezone.Europe/Berlin"] == "7200"
    # glibc 2.34 was the first to start threads with clone3: its NEWS.
    starts = {suite: probes.threads(one) for suite, one in found.items()}
    assert starts["bullseye"] == probes.Threads(works=True, clone3=None, clone="works")
    assert starts["trixie"] == probes.Threads(works=True, clone3="works", clone=None)
    assert booted.emulated is not kernels.has_kvm()


def test_a_guest_that_does_not_end_is_stopped() -> None:
    kernel = kernels.resolve("6.1", say=print)
    with pytest.raises(VmBootFailed, match="had not ended after"):
        kernels.boot(kernel, timeout_s=0.5)
    command = ["ps", "-o", "args=", "--ppid", str(os.getpid())]
    left = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "qemu" not in left.stdout


def test_a_file_that_only_looks_like_a_kernel_is_said(tmp_path: Path) -> None:
    fake = tmp_path / "bzImage"
    fake.write_bytes(bytes(0x202) + b"HdrS" + bytes(4096))
    with pytest.raises(VmBootFailed):
        kernels.boot(kernels.resolve(f"fake={fake}"), timeout_s=20)


def test_a_container_breaks_where_clone3_answers_eperm(real_bench: Bench, tmp_path: Path) -> None:
    profile = tmp_path / "eperm.json"
    profile.write_text(EPERM_FOR_CLONE3)
    found = probes.in_container(real_bench.engine, BASE, seccomp=profile, programs=probes.of_libc())
    assert found.results.calls["clone3"].word == "EPERM"
    threads = probes.threads(found.results)
    assert threads == probes.Threads(works=False, clone3="EPERM", clone=None)
    assert found.confined.profile is not None
    predicted = probes.predict(found.confined.profile)
    assert predicted["clone3"].word == "EPERM"
    cause = probes.causes(
        probes.on_host(), kernel=os.uname().release, confined=found.results, predicted=predicted
    )
    assert cause["clone3"].name == "refused with the wrong error"


def test_a_containers_filter_does_the_same_on_another_kernel(real_bench: Bench) -> None:
    """The filter is the engine's own, read from the container: answers must follow it."""
    found = probes.in_container(real_bench.engine, BASE)
    confined = found.confined
    assert confined.filter, confined.why
    assert confined.capabilities is not None
    booted = kernels.boot(
        kernels.resolve("7.2", say=print),
        confinements=[
            Confinement(name="same", capabilities=confined.capabilities, filter=confined.filter)
        ],
        timeout_s=120,
    )
    bare, guest = booted.results
    host = probes.on_host()
    for name, answer in found.results.calls.items():
        if host.calls[name] == bare.calls[name]:  # both kernels have it, or both have not
            assert guest.calls[name].word == answer.word, name


def test_unconfined_is_unconfined(real_bench: Bench) -> None:
    found = probes.in_container(real_bench.engine, BASE, seccomp="unconfined")
    assert found.confined.filter == b""
    assert found.results.calls["clone3"].word == "works"
