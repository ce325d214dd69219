"""What an ELF file asks of the system that it runs on.

facts     the plain values          reader    read with pyelftools, from any bytes
versions  GLIBC_2.38 and its like, compared
"""

from __future__ import annotations

from lab.elf.facts import Facts, Interpreter, NotElf, Version
from lab.elf.reader import MAGIC, read
from lab.elf.versions import ordered, released

__all__ = ["MAGIC", "Facts", "Interpreter", "NotElf", "Version", "ordered", "read", "released"]
