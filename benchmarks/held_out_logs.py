"""Records the held-out logs of tests/fixtures: ``python -m benchmarks.held_out_logs OUT.tar.gz``.

Real tools that no pattern of `lab diagnose` was written for: cargo, CMake with Ninja and CTest,
pytest, javac, node, and steps that fetch with git, curl, tar and patch. Each good run is recorded
four times, each bad one once, after what its cause changes in the project. Needs Debian's packages
of these tools, root (a small disk is mounted) and no network.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.held_out_projects import CHANGES, COMMANDS, PROJECTS

GOOD = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A cause: files that are other ones (None: gone), words of the command that are others, and
    variables that are set.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def main() -> None:
    """Record all of them, or those that are named after the file."""
    out, only = Path(sys.argv[1]), set(sys.argv[2:])
    found: dict[str, str] = {}
    for tool in PROJECTS:
        for number in range(1, GOOD + 1):
            found[f"{tool}-good{number}"] = ""
    found |= dict.fromkeys(CHANGES, "")
    for name in found:
        if only and name not in only:
            continue
        tool = name.partition("-")[0]
        change = Change(**CHANGES.get(name, {}))
        found[name] = recorded(tool, change)
        head = found[name].partition("\n")[0]
        sys.stderr.write(f"{name}: {head}\n")
    pack(out, found)


def pack(out: Path, logs: Mapping[str, str]) -> None:
    """Logs by name, as the tests read them."""
    with tarfile.open(out, "w:gz") as archive:
        for name, text in sorted(logs.items()):
            member = tarfile.TarInfo(f"{name}.log")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def recorded(tool: str, change: Change) -> str:
    """What the tool's command prints in its changed project, each line after its seconds."""
    with tempfile.TemporaryDirectory(prefix="held-out-") as name:
        place = Path(name) / "src"
        place.mkdir()
        return _recorded(tool, change, place)


def _recorded(tool: str, change: Change, place: Path) -> str:
    for path, text in {**PROJECTS[tool], **change.files}.items():
        if text is not None:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
    if (prepare := PREPARE.get(tool)) is not None:
        prepare(place)
    return printed(changed(COMMANDS[tool], change.words), place, change.environ)


def changed(command: str, words: Mapping[str, str]) -> str:
    """A command with other words, all of which it has."""
    for old, new in words.items():
        if old not in command:
            raise ValueError(f"no {old!r} in {command}")
        command = command.replace(old, new)
    return command


def printed(command: str, place: Path, environ: Mapping[str, str]) -> str:
    """How long a command took, its exit code, and its lines, each after its seconds."""
    start = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=place,
        env={**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            lines.append(f"{time.monotonic() - start:.3f} {_neutral(text, place)}")
        code = process.wait()
    took = time.monotonic() - start
    return "\n".join([f"{took:.3f} exit {code}", *lines]) + "\n"


def _neutral(text: str, place: Path) -> str:
    """A line without the places of this machine."""
    text = text.replace(str(place), "/src")
    text = re.sub(r"/usr/share/cmake-[0-9.]+", "/usr/share/cmake", text)
    return re.sub(re.escape(str(Path.home())) + r"/\.\w+", "/root/.cache", text)


def _fetched(place: Path) -> None:
    """An upstream of its own: a repository with tags, a tarball and its sum, beside a patch."""
    up = place / "upstream"
    tree = place / "tree"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(tree)]
    tree.mkdir()
    for n in range(40):
        (tree / f"part-{n}.txt").write_text(f"part {n}\n" * 400)
    (tree / "main.c").write_text("int main(void)\n{\n\treturn 1;\n}\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "all"],
                    ["tag", "v1.4.2"]):  # fmt: skip
        subprocess.run([*git, *command], check=True)
    up.mkdir(exist_ok=True)
    subprocess.run(["git", "clone", "-q", "--bare", tree, up / "shop.git"], check=True)
    packed = up / "data.tar.gz"
    subprocess.run(["tar", "-czf", packed, "-C", tree, "main.c", "part-1.txt"], check=True)
    done = subprocess.run(["sha256sum", "data.tar.gz"], cwd=up, check=True, capture_output=True)
    if not (place / "data.sum").exists():
        (place / "data.sum").write_bytes(done.stdout)
    shutil.rmtree(tree)


PREPARE: Mapping[str, Callable[[Path], None]] = {"fetch": _fetched}

if __name__ == "__main__":
    main()
