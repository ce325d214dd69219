"""Real kernels, each booted in a micro virtual machine with an image's file system as root.

    resolver  a kernel's name -> its image           packages  a distribution's kernel by version
    roots     an image -> what a guest mounts        cpio      the guest's first file system
    machine   QEMU: boot, probe, power off

Where there is no KVM the guest is emulated: its answers are the kernel's own, its times are not.
"""

from __future__ import annotations

from lab.validate.kernels.machine import Boot, Confinement, Kernel, boot, has_kvm
from lab.validate.kernels.resolver import of_host, resolve

__all__ = ["Boot", "Confinement", "Kernel", "boot", "has_kvm", "of_host", "resolve"]
