"""Go projects to build, made from a seed: the same numbers give the same bytes everywhere."""

from __future__ import annotations

import random
import re
from string import Template

from lab.dockerfile.context import Context
from lab.dockerfile.go_sources import DEP, DEPENDENCY, GO_MOD, MODULE, SHAPES
from lab.model.errors import InputError

SOURCE_FILE = "internal/pkg000/part000.go"
NEW_FILE = "internal/pkg000/added.go"
DEPENDENCY_FILE = "third_party/dep/dep.go"
MAIN_PACKAGE = "./cmd/app"
REVISION = re.compile(r'(const Revision = ")[^"]*(")')  # what an edit of a source line changes

_FUNCTIONS_PER_FILE = 24

_CALLS = ("loop", "count", "build", "text", "check")
_LENGTHS = tuple(shape.count("\n") for shape in SHAPES)
_TEMPLATES = tuple(map(Template, SHAPES))

_IMPORTS = {
    "errors": "errors.",
    "fmt": "fmt.",
    "sort": "sort.",
    "strconv": "strconv.",
    "strings": "strings.",
}


def generate(packages: int, lines: int, depth: int, seed: int) -> Context:
    """A Go module of about ``lines`` lines (within 2 %) in so many packages besides main.

    The longest chain of imports among the packages is ``depth``. The module compiles offline, has
    one local dependency and prints a checksum. Raises InputError for numbers that do not fit.
    """
    if packages < 1 or not 1 <= depth <= packages:
        raise InputError(
            f"a workload of {packages} packages cannot be {depth} deep",
            remedy="packages is at least 1, and depth lies between 1 and packages",
        )
    least = least_lines(packages)
    if lines < least:
        raise InputError(
            f"{packages} packages do not fit into {lines} lines",
            remedy=f"give at least {least} lines, or fewer packages",
        )
    files = {
        "go.mod": GO_MOD,
        "third_party/dep/go.mod": f"module {DEPENDENCY}\n\ngo 1.21\n",
        DEPENDENCY_FILE: DEP,
        "cmd/app/main.go": _main(packages),
    }
    left = lines - _fixed(packages)
    for number in range(packages):
        share = left // (packages - number)
        made = _package(number, _imports(number, packages, depth, seed), share, seed)
        left -= sum(text.count("\n") for text in made.values())
        files |= made
    return Context.of_files(files)


def least_lines(packages: int) -> int:
    """The fewest lines that a module of so many packages can have."""
    return _fixed(packages) + packages * 60


def _fixed(packages: int) -> int:
    """The lines besides those of the packages; main imports and calls each of them."""
    return DEP.count("\n") + GO_MOD.count("\n") + 3 + _main(0).count("\n") + 2 * packages


def name(number: int) -> str:
    """The name of a generated package."""
    return f"pkg{number:03d}"


def _level(number: int, packages: int, depth: int) -> int:
    """Packages are dealt out to levels in order: level 0 imports, the last one is imported."""
    return number * depth // packages


def _imports(number: int, packages: int, depth: int, seed: int) -> list[int]:
    """Up to three packages of the next level, so that the longest chain has ``depth`` packages."""
    level = _level(number, packages, depth)
    below = [
        other
        for other in range(number + 1, packages)
        if _level(other, packages, depth) == level + 1
    ]
    chooser = random.Random(f"imports {seed} {number}")
    return sorted(chooser.sample(below, min(3, len(below))))


def _main(packages: int) -> str:
    names = [name(number) for number in range(packages)]
    imports = "".join(f'\t"{MODULE}/internal/{each}"\n' for each in names)
    calls = "".join(f"\ttotal = dep.Mix(total + {each}.Run(total))\n" for each in names)
    return (
        f"// Command app prints a checksum over all packages.\npackage main\n\nimport (\n{imports}"
        f'\t"{DEPENDENCY}"\n)\n\nvar version = "none"\n\nfunc main() {{\n'
        f"\ttotal := uint64(len(version))\n{calls}"
        f'\tdep.Print("checksum", total)\n}}\n'
    )


def _package(number: int, imports: list[int], lines: int, seed: int) -> dict[str, str]:
    """The files of one package, ``lines`` lines together."""
    chooser = random.Random(f"package {seed} {number}")
    folder = f"internal/{name(number)}"
    files: dict[str, str] = {}
    calls: list[str] = []
    left = lines - _head(number, imports, [], []).count("\n")
    while left > max(_LENGTHS) + 8 or not files:
        body = []
        for _ in range(_FUNCTIONS_PER_FILE):
            if left <= max(_LENGTHS) + 8 and calls:
                break
            kind = chooser.randrange(len(SHAPES))
            place = f"{len(calls):04d}"
            body.append(
                _TEMPLATES[kind].substitute(
                    n=place,
                    a=chooser.randrange(3, 9999),
                    b=chooser.randrange(2, 40),
                    c=chooser.randrange(2, 97),
                )
            )
            calls.append(f"{_CALLS[kind]}{place}")
            left -= _LENGTHS[kind] + 1
        text = "".join(body)
        path = f"{folder}/more{len(files):03d}.go"
        files[path] = _file(number, text)
        left -= files[path].count("\n") - text.count("\n")
    weights = [chooser.randrange(9999) for _ in range(left)]  # what no function fits into
    files[f"{folder}/part000.go"] = _head(number, imports, calls, weights)
    return files


def _file(number: int, body: str) -> str:
    std = [each for each, mark in _IMPORTS.items() if mark in body]
    own = [DEPENDENCY] if "dep." in body else []
    return f"package {name(number)}\n\n{_import_block(std, own)}{body.rstrip()}\n"


def _import_block(std: list[str], own: list[str]) -> str:
    if not std and not own:
        return ""
    groups = ["".join(f'\t"{each}"\n' for each in group) for group in (std, own) if group]
    return "import (\n" + "\n".join(groups) + ")\n\n"


def _head(number: int, imports: list[int], calls: list[str], weights: list[int]) -> str:
    own = [f"{MODULE}/internal/{name(other)}" for other in imports]
    below = "".join(f"\ttotal += {name(other)}.Value(total)\n" for other in imports)
    runs = "".join(f"\ttotal = {call}(total)\n" for call in calls)
    table = "".join(f"\t{weight},\n" for weight in weights)
    return (
        f"// Package {name(number)} is one of the generated packages.\npackage {name(number)}\n\n"
        f"{_import_block(['errors', 'fmt'], own)}"
        '// Revision counts in the checksum.\nconst Revision = "r0"\n\n'
        'var errLimit = errors.New("over the limit")\n\n'
        "func limit(value, most uint64) error {\n\tif value > most {\n"
        '\t\treturn fmt.Errorf("%d of %d: %w", value, most, errLimit)\n\t}\n\treturn nil\n}\n\n'
        f"var weights = []uint64{{\n{table}}}\n\n"
        "// Value gives the package's number for a value.\nfunc Value(value uint64) uint64 {\n"
        f"\treturn value*31 + {number} + uint64(len(Revision))\n}}\n\n"
        "// Run gives the package's part of the checksum.\nfunc Run(value uint64) uint64 {\n"
        "\ttotal := Value(value)\n\tfor _, weight := range weights {\n\t\ttotal += weight\n\t}\n"
        f"{below}{runs}\treturn total\n}}\n"
    )
