"""What a kernel, a container's confinement and an image's own libc really do: asked, not assumed.

src            the probe programs in C             compiler         made once, kept by content
syscall_table  the calls that are asked            results          what they print -> values
programs       the image's own libc                container        the same in a container
container_inspect  a container's filter            seccomp_profile  what a profile's file predicts
causes         why two answers differ              host             on the running kernel
"""

from __future__ import annotations

from lab.validate.probes.causes import Cause, causes
from lab.validate.probes.container import Contained, in_container
from lab.validate.probes.container_inspect import Confined
from lab.validate.probes.host import in_root, on_host
from lab.validate.probes.programs import Program, Threads, libc_facts, of_libc, threads
from lab.validate.probes.results import BARE, Answer, ProbeResults, Ran
from lab.validate.probes.seccomp_profile import Prediction, predict
from lab.validate.probes.syscall_table import TABLE, SystemCall

__all__ = [
    "BARE",
    "TABLE",
    "Answer",
    "Cause",
    "Confined",
    "Contained",
    "Prediction",
    "ProbeResults",
    "Program",
    "Ran",
    "SystemCall",
    "Threads",
    "causes",
    "in_container",
    "in_root",
    "libc_facts",
    "of_libc",
    "on_host",
    "predict",
    "threads",
]
