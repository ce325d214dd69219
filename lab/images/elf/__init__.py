"""What an ELF file asks of the system that it runs on.

facts     the plain values          reader    read with pyelftools, from any bytes
symbols   what a library gives      calls     the system calls in its machine code
versions  GLIBC_2.38 and its like, compared
"""

from __future__ import annotations

from lab.images.elf.calls import Calls, calls
from lab.images.elf.facts import Facts, Interpreter, NotElf, Version
from lab.images.elf.reader import MAGIC, read
from lab.images.elf.symbols import Symbol, given
from lab.images.elf.versions import ordered, released

__all__ = [
    "MAGIC",
    "Calls",
    "Facts",
    "Interpreter",
    "NotElf",
    "Symbol",
    "Version",
    "calls",
    "given",
    "ordered",
    "read",
    "released",
]
