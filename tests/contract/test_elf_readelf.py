"""What the lab reads in ELF files, against readelf of binutils, on every binary of four bases."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lab.images import elf
from tests.contract.debian import SUITES, image

BATCH = 200


def in_words(facts: elf.Facts) -> dict[str, object]:
    """The facts in the form in which `told` gives readelf's."""
    return {
        "kind": facts.kind,
        "bits": facts.bits,
        "interpreter": facts.interpreter,
        "soname": facts.soname,
        "needed": list(facts.needed),
        "versions": sorted({(one.library, one.name, one.weak) for one in facts.versions}),
        "defined": list(facts.defined),
        "relr": facts.relr,
        "level": facts.level,
        "kernel": facts.kernel,
        "pie": facts.pie,
        "relro": facts.relro,
        "executable_stack": facts.executable_stack,
        "path": list(facts.path),
    }


def told(text: str) -> dict[str, object]:
    """The same facts out of `readelf -W -h -l -d -n -V`."""

    def first(pattern: str) -> str | None:
        match = re.search(pattern, text, re.MULTILINE)
        return match[1] if match else None

    kind = {"EXEC": "executable", "DYN": "shared", "REL": "object"}[str(first(r"^  Type:\s+(\w+)"))]
    flags = first(r"\(FLAGS_1\)\s+Flags: (.*)") or ""
    now = "NOW" in flags.split() or "BIND_NOW" in text
    needs, weak = [], re.compile(r"Name: (\S+)  Flags: (\S+)")
    part = text.partition("Version needs section")[2]
    library = ""
    for line in part.splitlines():
        if match := re.search(r"File: (\S+)", line):
            library = match[1]
        elif match := weak.search(line):
            needs.append((library, match[1], match[2] == "WEAK"))
    part = text.partition("Version definition section")[2].partition("Version needs section")[0]
    defined = re.findall(r"Rev: \d+ .*Name: (\S+)", part)
    levels = re.search(r"x86 ISA needed: ([^\n]*)", text)
    named = re.findall(r"x86-64-(baseline|v\d)", levels[1]) if levels else []
    stack = first(r"^  GNU_STACK\s+(?:0x\w+\s+){5}(.{3})")
    relro = "full" if now else "partial"
    soname = first(r"\(SONAME\)\s+Library soname: \[(.*)\]")
    interpreter = first(r"\[Requesting program interpreter: (.*)\]")
    return {
        "kind": kind,
        "bits": int(str(first(r"^  Class:\s+ELF(\d+)"))),
        "interpreter": interpreter,
        "soname": soname,
        "needed": re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", text),
        "versions": sorted(set(needs)),
        "defined": defined,
        "relr": "(RELR)" in text,
        "level": max((1 if one == "baseline" else int(one[1]) for one in named), default=None),
        "kernel": first(r"OS: Linux, ABI: (\S+)"),
        "pie": "PIE" in flags.split(),
        "relro": relro if re.search(r"^  GNU_RELRO", text, re.MULTILINE) else "none",
        "executable_stack": None if stack is None else "E" in stack,
        "path": [
            part
            for part in (
                first(r"\(RUNPATH\)\s+Library runpath: \[(.*)\]")
                or first(r"\(RPATH\)\s+Library rpath: \[(.*)\]")
                or ""
            ).split(":")
            if part
        ],
    }


def readelf(paths: list[Path]) -> dict[str, str]:
    """Path -> what readelf says, many files in one call."""
    command = ["readelf", "-W", "-h", "-l", "-d", "-n", "-V", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C"})
    parts = re.split(r"^File: (/.*)$", done.stdout.decode(errors="replace"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("suite", SUITES)
def test_every_binary_of_a_base_is_read_as_readelf_reads_it(suite: str, tmp_path: Path) -> None:
    held = image(suite).contents
    found: dict[str, tuple[str, elf.Facts]] = {}
    for number, (name, node) in enumerate(sorted(held.nodes.items())):
        if node.file and held.data(node, 4) == elf.MAGIC:
            copy = tmp_path / f"{number}"
            copy.write_bytes(held.data(node))
            with held.stream(node) as stream:
                found[str(copy)] = (name, elf.read(stream))
    assert len(found) > 500
    paths = [Path(path) for path in found]
    for start in range(0, len(paths), BATCH):
        said = readelf(paths[start : start + BATCH])
        for path in paths[start : start + BATCH]:
            name, facts = found[str(path)]
            assert in_words(facts) == told(said[str(path)]), f"{suite}: {name}"
