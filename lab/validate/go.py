"""The Go side of an image, run in a container of it: `go env GOROOT` by each way, and a program
that is compiled and linked with and without cgo.

The program is taken out, so that it can be run in every image on every kernel.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.images.goroot import Goroot
from lab.validate.matrix import Cell, Tone
from lab.validate.structure import Runs

HELLO = "lab says hello"
_SOURCE = 'package main\n\nfunc main() { println("lab says hello") }\n'
_CGO = (
    "package main\n\n// #include <stdlib.h>\n// static int seven(void) { return abs(-7); }\n"
    'import "C"\n\nfunc main() {\n\tif C.seven() == 7 {\n\t\tprintln("lab says hello")\n\t}\n}\n'
)
# One line each, "lab NAME VALUE": nothing of the image's own output is taken for an answer.
_SCRIPT = """\
set -u
go=$(command -v go) || { echo 'lab lost no go on PATH'; exit 0; }
w=$(mktemp -d) && cd "$w" || exit 9
export GOTOOLCHAIN=local GOFLAGS=-mod=mod GOCACHE="$w/cache" GOPROXY=off HOME="$w"
echo "lab environment $(go env GOROOT 2>&1 | tail -n 1)"
echo "lab path $(env -u GOROOT "$go" env GOROOT 2>&1 | tail -n 1)"
mkdir alone && cp "$(readlink -f "$go")" alone/go
echo "lab built-in $(env -u GOROOT alone/go env GOROOT 2>&1 | tail -n 1)"
echo "lab version $(go env GOVERSION 2>&1 | tail -n 1)"
printf '%s' "$LAB_PLAIN" >plain.go && printf '%s' "$LAB_CGO" >cgo.go
build() {
    if CGO_ENABLED=$2 go build -ldflags '-s -w' -o "$1" "$1.go" >"$1.log" 2>&1; then
        echo "lab $1 $(./"$1" 2>&1 | tail -n 1)"
    else
        echo "lab $1-failed $(grep -v '^#' "$1.log" | head -n 1)"
    fi
}
build plain 0
cc=$(go env CC)
if command -v "$cc" >/dev/null; then build cgo 1; else echo 'lab cgo-none no C compiler'; fi
[ -x plain ] && { echo 'lab-program'; base64 -w 76 plain; echo 'lab-end'; }
[ -x cgo ] && { echo 'lab-program-cgo'; base64 -w 76 cgo; echo 'lab-end'; }
exit 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoRun:
    """What go said in a container. ``program`` and ``cgo`` are what it linked, None without one."""

    said: Mapping[str, str]
    program: bytes | None
    cgo: bytes | None

    def cells(self, static: Goroot) -> dict[str, Cell]:
        """The rows of the matrix, by name."""
        said = self.said
        if "lost" in said:
            return {"go": Cell(word="none", why=said["lost"])}
        root = said.get("environment", "")
        agrees = static.root is not None and root == static.root
        found = {
            "GOROOT": Cell(
                word=root or "none",
                tone="good" if agrees else "bad",
                why=f"found in the image: {static.root or 'none'}",
            ),
            "GOROOT by path": _way(said.get("path", "")),
            "GOROOT built in": _way(said.get("built-in", "")),
            "hello without cgo": _hello(said, "plain"),
        }
        if "cgo-none" in said and "cgo-builder" not in said:
            why = f"{said['cgo-none']} in the image, and its suite and Go are not known to the lab"
            found["hello with cgo"] = Cell(word="not tried", why=why)
        else:
            cell = _hello(said, "cgo")
            where = f"compiled in {said['cgo-builder']}" if "cgo-builder" in said else ""
            why = "; ".join(part for part in (cell.why, where) if part)
            found["hello with cgo"] = replace(cell, why=why)
        return found


def ask(runs: Runs) -> GoRun | None:
    """Run it in a container; None where no engine was named."""
    if runs is None:
        return None
    environment = {"LAB_PLAIN": _SOURCE, "LAB_CGO": _CGO}
    return read(runs(["sh", "-c", _SCRIPT], environment).output)


def read(output: str) -> GoRun:
    """What the script printed."""
    said: dict[str, str] = {}
    programs: dict[str, list[str]] = {}
    into: list[str] | None = None
    for line in output.splitlines():
        if line in {"lab-program", "lab-program-cgo"}:
            into = programs.setdefault(line, [])
        elif line == "lab-end":
            into = None
        elif into is not None:
            into.append(line)
        elif line.startswith("lab "):
            name, _, value = line.removeprefix("lab ").partition(" ")
            said[name] = value
    return GoRun(
        said=said,
        program=_decoded(programs.get("lab-program")),
        cgo=_decoded(programs.get("lab-program-cgo")),
    )


def _decoded(lines: list[str] | None) -> bytes | None:
    try:
        return None if not lines else base64.b64decode("".join(lines), validate=True)
    except binascii.Error:
        return None  # cut off: nothing that could be run


def _way(root: str) -> Cell:
    whole = root.startswith("/")
    return Cell(word=root if whole else "none", tone="none", why="" if whole else root)


def _hello(said: Mapping[str, str], name: str) -> Cell:
    if said.get(name) == HELLO:
        return Cell(word="runs", tone="good")
    why = said.get(f"{name}-failed") or said.get(name) or "it was not built"
    tone: Tone = "bad"
    return Cell(word="fails", tone=tone, why=why)
