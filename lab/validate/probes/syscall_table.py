"""The system calls that are asked for: since which kernel, from where that is known, what switches
them off. Numbers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.validate.probes.results import Answer

_LIST = "syscalls(2), the table of system calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCall:
    """One call. ``since`` is the first kernel that has it; ``off`` says what switches it off.

    ``source`` says where ``since`` is published: a section of a man page (man-pages 6.20), or the
    subject of the kernel's commit that brought the call.

    ``answers`` are the errors that say that the kernel did its part with the probe's harmless
    arguments; ``fallback`` says that glibc lives without it where, and only where, it is refused
    with ENOSYS; ``capability`` is what the probe's use of it needs besides.
    """

    name: str
    number: int
    since: str
    source: str = _LIST
    off: str | None = None
    answers: tuple[str, ...] = ()
    fallback: bool = False
    capability: str | None = None

    @property
    def since_version(self) -> tuple[int, int]:
        return version(self.since)

    def word(self, answer: Answer) -> str:
        """The word for a cell: an error that is the call's own good answer is "works"."""
        return "works" if answer.word in self.answers else answer.word

    def present(self, answer: Answer) -> bool | None:
        """Whether the kernel has it, as far as an unconfined caller can tell."""
        return None if answer.word in {"unasked", "killed", "EPERM"} else answer.word != "ENOSYS"


def version(text: str) -> tuple[int, int]:
    """The first two numbers of a kernel's version, to compare by."""
    major, _, rest = text.partition(".")
    minor = "".join(iter_digits(rest))
    return int(major), int(minor or 0)


def iter_digits(text: str) -> str:
    """The digits that a text begins with."""
    count = next((index for index, letter in enumerate(text) if not letter.isdecimal()), len(text))
    return text[:count]


_CALLS = (
    SystemCall(name="clone", number=56, since="1.0"),
    SystemCall(name="clone3", number=435, since="5.3", fallback=True),
    SystemCall(
        name="memfd_secret",
        number=447,
        since="5.14",
        source="memfd_secret(2), HISTORY",
        off="CONFIG_SECRETMEM=n; before 6.5 off unless secretmem.enable=1, since then "
        "secretmem.enable=0",
    ),
    SystemCall(name="openat2", number=437, since="5.6", source="openat2(2), HISTORY"),
    SystemCall(
        name="close_range", number=436, since="5.9", source="close_range(2), HISTORY", fallback=True
    ),
    SystemCall(name="faccessat2", number=439, since="5.8", fallback=True),
    SystemCall(name="epoll_pwait2", number=441, since="5.11", off="CONFIG_EPOLL=n"),
    SystemCall(
        name="landlock_create_ruleset",
        number=444,
        since="5.13",
        source="landlock_create_ruleset(2), HISTORY",
        off="CONFIG_SECURITY_LANDLOCK=n; EOPNOTSUPP where lsm= leaves landlock out",
    ),
    SystemCall(
        name="io_uring_setup",
        number=425,
        since="5.1",
        off="CONFIG_IO_URING=n; EPERM with sysctl kernel.io_uring_disabled=2 (since 6.6)",
    ),
    SystemCall(
        name="futex_waitv",
        number=449,
        since="5.16",
        source="futex_waitv(2), HISTORY",
        off="CONFIG_FUTEX=n",
        answers=("EAGAIN",),
    ),
    SystemCall(
        name="futex_wake",
        number=454,
        since="6.7",
        source='commit "futex: Add sys_futex_wake()"',
        off="CONFIG_FUTEX=n",
    ),
    SystemCall(
        name="cachestat",
        number=451,
        since="6.5",
        source="cachestat(2), HISTORY",
        off="CONFIG_CACHESTAT_SYSCALL=n",
    ),
    SystemCall(
        name="fchmodat2",
        number=452,
        since="6.6",
        source='commit "fs: Add fchmodat2()"',
        fallback=True,
    ),
    SystemCall(
        name="map_shadow_stack",
        number=453,
        since="6.6",
        source='commit "x86/shstk: Introduce map_shadow_stack syscall"',
        off="CONFIG_X86_USER_SHADOW_STACK=n; EOPNOTSUPP with nousershstk, and where the "
        "processor has none",
    ),
    SystemCall(
        name="mseal",
        number=462,
        since="6.10",
        source='commit "mseal: add mseal syscall"',
    ),
    SystemCall(name="statx", number=332, since="4.11", fallback=True),
    SystemCall(name="pidfd_open", number=434, since="5.3"),
    SystemCall(name="pidfd_getfd", number=438, since="5.6"),
    SystemCall(name="process_madvise", number=440, since="5.10", off="CONFIG_ADVISE_SYSCALLS=n"),
    SystemCall(
        name="process_mrelease",
        number=448,
        since="5.15",
        source='commit "mm: introduce process_mrelease system call"',
        off="CONFIG_MMU=n",
        answers=("EBADF",),
    ),
    SystemCall(
        name="quotactl_fd", number=443, since="5.14", off="CONFIG_QUOTACTL=n", answers=("EBADF",)
    ),
    SystemCall(
        name="mount_setattr",
        number=442,
        since="5.12",
        source="mount_setattr(2), HISTORY",
        capability="CAP_SYS_ADMIN",
    ),
    SystemCall(
        name="set_mempolicy_home_node",
        number=450,
        since="5.17",
        source='commit "mm/mempolicy: add set_mempolicy_home_node syscall"',
        off="CONFIG_NUMA=n",
    ),
    SystemCall(name="memfd_create", number=319, since="3.17", off="CONFIG_MEMFD_CREATE=n"),
    SystemCall(
        name="userfaultfd",
        number=323,
        since="4.3",
        source="userfaultfd(2), HISTORY",
        off="CONFIG_USERFAULTFD=n; EPERM for the unprivileged with "
        "sysctl vm.unprivileged_userfaultfd=0",
        capability="CAP_SYS_PTRACE",
    ),
    SystemCall(
        name="bpf",
        number=321,
        since="3.18",
        off="CONFIG_BPF_SYSCALL=n; EPERM for the unprivileged with "
        "sysctl kernel.unprivileged_bpf_disabled",
        capability="CAP_BPF",
    ),
    SystemCall(
        name="perf_event_open",
        number=298,
        since="2.6.31",
        source="perf_event_open(2), HISTORY",
        off="CONFIG_PERF_EVENTS=n; EACCES or EPERM for the unprivileged with "
        "sysctl kernel.perf_event_paranoid",
        capability="CAP_PERFMON",
    ),
    SystemCall(
        name="membarrier",
        number=324,
        since="4.3",
        source="membarrier(2), HISTORY",
        off="CONFIG_MEMBARRIER=n",
    ),
    SystemCall(
        name="rseq",
        number=334,
        since="4.18",
        off="CONFIG_RSEQ=n",
    ),
    SystemCall(name="getrandom", number=318, since="3.17", fallback=True),
    SystemCall(name="copy_file_range", number=326, since="4.5"),
    SystemCall(name="preadv2", number=327, since="4.6", fallback=True),
    SystemCall(name="renameat2", number=316, since="3.15", answers=("ENOENT", "EROFS")),
    SystemCall(
        name="statmount",
        number=457,
        since="6.8",
        source='commit "add statmount(2) syscall"',
    ),
    SystemCall(
        name="listmount",
        number=458,
        since="6.8",
        source='commit "add listmount(2) syscall"',
    ),
    SystemCall(
        name="lsm_list_modules",
        number=461,
        since="6.8",
        source='commit "LSM: Create lsm_list_modules system call"',
        off="CONFIG_SECURITY=n",
    ),
    SystemCall(
        name="getxattrat",
        number=464,
        since="6.13",
        source='commit "fs/xattr: add *at family syscalls"',
        answers=("ENODATA", "EOPNOTSUPP"),
    ),
    SystemCall(
        name="open_tree_attr",
        number=467,
        since="6.15",
        source='commit "fs: add open_tree_attr()"',
        answers=("ENOENT",),
    ),
)
TABLE: Mapping[str, SystemCall] = {call.name: call for call in _CALLS}
