"""Data flows one way: which package may import which, and no import leads round in a circle."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from lab.engines import NAMES
from lab.model import errors

LAB = Path(__file__).parents[2] / "lab"
MENDABLE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.LabError)
} - {"LabError", "GateFailed", "Interrupted"}  # the lab's own, an answer, and whoever stopped knows

# From the ground up: a package may import only those that stand before it. CONTRIBUTING.md tells
# what each is for.
FLOW = (
    "model",
    "host",
    "dockerfile",
    "engines",
    "images",
    "scenario",
    "results",
    "runner",
    "caching",
    "validate",
    "golang",
    "report",
    "cli",
)
# SDK -> the only modules that may import it.
SDKS = {
    "duckdb": {"results/columns"},
    "distributed": {"runner/fleet/lines"},
    "dask": {"runner/fleet/lines"},
    "docker": {"engines/docker", "engines/endpoint", "validate/probes/container"},
    "testcontainers": {"validate/probes/container"},
    "podman": {"engines/podman"},
    "pydantic": {
        "scenario/field_types",
        "scenario/file_schema",
        "scenario/rounds",
        "scenario/error_messages",
        "results/gate/policy_file",
        "validate/policy_file",
        "golang/claims/file_schema",
    },
    "yaml": {"scenario/yaml_source", "golang/goroot/kubernetes"},
    "rich": {"report"},
    "jinja2": {"report/html", "report/claims"},
    "markupsafe": {"report/html", "report/matrix"},
    "vl_convert": {"report/vega_renderer"},
    "elftools": {"images/elf/reader", "images/elf/symbols", "images/elf/calls"},
    "re2": {"validate/assertions"},
    "zstandard": {"images/sources/archive"},
    "capstone": {"images/elf/calls"},
    "system_calls": {"images/elf/calls"},
    "watchfiles": {"golang/goroot/watching"},
    "kubernetes_validate": {"golang/goroot/kubernetes_schemas"},
    "opentelemetry": {"report/otlp/exporters"},
    "numpy": {"results/stats"},
    "scipy": {"results/stats"},
}


def modules(root: Path = LAB) -> dict[str, Path]:
    """Every module of a package by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a module's tree: each file is parsed once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@cache
def imports(path: Path) -> set[str]:
    """What a module imports, wherever it does: in functions and under TYPE_CHECKING too."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def graph(root: Path = LAB) -> dict[str, set[str]]:
    """Module -> the modules of the same program that it imports."""
    known = modules(root)
    found: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = {
            one if one in known else one.rpartition(".")[0]
            for one in imports(path)
            if one.split(".")[0] == root.name
        }
        found[name] = targets & known.keys() - {name, root.name}
    return found


def pointing_up(found: dict[str, set[str]]) -> list[str]:
    """The imports of packages that stand above the importing module's own."""

    def level(name: str) -> int:
        package = name.partition(".")[2].partition(".")[0]
        # lab imports nothing; lab.__main__ starts the command line.
        return FLOW.index(package) if package in FLOW else len(FLOW)

    return [
        f"{name} imports {target}"
        for name, targets in found.items()
        for target in targets
        if level(name) < level(target)
    ]


def circle(found: dict[str, set[str]]) -> tuple[str, ...]:
    """The modules of a circle of imports, or none."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def between_commands(found: dict[str, set[str]]) -> list[str]:
    """The imports of one command by another: what two of them need stands below both."""
    folder = "lab.cli.commands."
    return [
        f"{name} imports {target}"
        for name, targets in found.items()
        for target in targets
        if name.startswith(folder) and target.startswith(folder)
    ]


def engines_compared(path: Path) -> list[str]:
    """The places where a module decides something by an engine's name."""

    def literals(node: ast.AST) -> set[object]:
        parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
        return {one.value for one in parts if isinstance(one, ast.Constant)}

    found = []
    for node in nodes(path):
        sides: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            sides = [node.value]
        if any(literals(side) & set(NAMES) for side in sides):
            found.append(f"line {node.lineno}")
    return found


def too_long(path: Path) -> list[str]:
    """What is over 300 lines, or a function over 60."""
    count = path.read_text().count("\n")
    found = [f"{count} lines"] if count > 300 else []
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found += [f"{node.name}: {lines} lines"] if lines > 60 else []
    return found


def test_modules_and_functions_are_short() -> None:
    assert not {name: found for name, path in modules().items() if (found := too_long(path))}


@pytest.mark.parametrize("text", ["\n" * 301, "def f():\n" + "    pass\n" * 60])
def test_what_is_too_long_is_found(tmp_path: Path, text: str) -> None:
    file = tmp_path / "long.py"
    file.write_text(text)
    assert too_long(file)


def test_the_packages_are_those_of_the_flow() -> None:
    packages = {path.name for path in LAB.iterdir() if (path / "__init__.py").exists()}
    assert packages == set(FLOW)
    entries = [path for path in LAB.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 16


def test_a_module_imports_only_what_stands_before_it() -> None:
    assert not pointing_up(graph())


def test_no_import_leads_round_in_a_circle() -> None:
    assert not circle(graph())


def test_no_command_imports_another() -> None:
    assert not between_commands(graph())


# What is known of an engine stands in its package. The rules of cache keys are a table by engine,
# and one module tells the parts of a name apart.
OF_ENGINES = ("lab.engines", "lab.dockerfile.cachekey", "lab.model.engine_name")


def test_nothing_above_the_engines_decides_by_an_engines_name() -> None:
    above = {name: path for name, path in modules().items() if not name.startswith(OF_ENGINES)}
    assert not {name: found for name, path in above.items() if (found := engines_compared(path))}


@pytest.mark.parametrize(
    "text",
    [
        "a = engine.name == 'podman'\n",
        "a = set(engines) == {'simulated'}\n",
        "a = name not in ('docker', 'podman')\n",
        "def a(name):\n    match name:\n        case 'docker-classic': return 1\n",
    ],
)
def test_a_decision_by_an_engines_name_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(text)
    assert engines_compared(tmp_path / "a.py")


def planted(folder: Path, **texts: str) -> Path:
    """A program of a few modules; ``host__facts`` is the module host/facts.py."""
    root = folder / "lab"
    for name, text in texts.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    (root / "__init__.py").touch()
    return root


def test_an_import_that_points_up_is_found(tmp_path: Path) -> None:
    root = planted(
        tmp_path,
        host__facts="def a():\n    from lab.engines import docker\n",
        engines__docker="from lab.host import facts\n",
    )
    assert pointing_up(graph(root)) == ["lab.host.facts imports lab.engines.docker"]


def test_a_command_that_imports_another_is_found(tmp_path: Path) -> None:
    root = planted(
        tmp_path,
        cli__commands__predict="",
        cli__commands__replay="def a():\n    from lab.cli.commands import predict\n",
        cli__commands__explain="from lab.cli.arguments import b\n",
        cli__arguments="",
    )
    assert between_commands(graph(root)) == [
        "lab.cli.commands.replay imports lab.cli.commands.predict"
    ]


@pytest.mark.parametrize(
    "back",
    [
        "from lab.host import facts\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lab.host.facts import A\n",
        "def a():\n    import lab.host.facts\n",
    ],
)
def test_a_circle_within_one_package_is_found(tmp_path: Path, back: str) -> None:
    root = planted(tmp_path, host__facts="from lab.host.paths import B\n", host__paths=back)
    assert set(circle(graph(root))) == {"lab.host.facts", "lab.host.paths"}


def test_an_sdk_has_one_importing_package() -> None:
    strayed = [
        f"{own} imports {name}"
        for path in modules().values()
        for name in imports(path)
        if (allowed := SDKS.get(name.split(".")[0])) is not None
        if not (own := path.relative_to(LAB).with_suffix("").as_posix()).startswith(tuple(allowed))
    ]
    assert not strayed


def test_nothing_below_the_command_line_prints_or_exits() -> None:
    for name, path in modules().items():
        if name in {"lab.cli.main", "lab.cli.output"}:
            continue
        calls = {
            node.func.id
            for node in nodes(path)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"print", "exit", "quit", "breakpoint", "input"}, path


def test_an_error_of_the_users_says_the_next_step() -> None:
    without = [
        f"{name}, line {node.lineno}"
        for name, path in modules().items()
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MENDABLE
        and not any(keyword.arg in {"remedy", None} for keyword in node.keywords)
    ]
    assert not without
