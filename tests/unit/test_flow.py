"""Data flows one way: which module may import which. The README shows the same order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lab.model import errors

LAB = Path(__file__).parents[2] / "lab"
MENDABLE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.LabError)
} - {"LabError", "GateFailed", "Interrupted"}  # the lab's own, an answer, and whoever stopped knows

# From the ground up: a module may import only rooms of lower lines and of its own line.
FLOOR = [
    {"__init__", "errors", "events", "units", "stats", "dockerfile", "elf", "wrapping"},
    {"record", "disturbance"},
    {"disk", "process", "paths", "host", "interrupts", "groups"},
    {"context", "archive", "dockerignore"},
    {"manifest"},
    {"workload"},
    {"edits", "patches"},
    {"layouts"},
    {"engines"},
    {"bases"},
    {"images"},
    {"goroot"},
    {"probes"},
    {"kernels"},
    {"controls"},
    {"trace"},
    {"bench"},
    {"scenario"},
    {"plan", "draft", "imagined", "expect"},
    {"fold", "watch"},
    {"building"},
    {"runner"},
    {"runs"},
    {"store", "twins"},
    {"explain"},
    {"predict", "replay"},
    {"advise"},
    {"table"},
    {"calibration", "compare"},
    {"sampling"},
    {"validate"},
    {"columns"},
    {"pivot_fields"},
    {"pivot_figures"},
    {"pivot_verdicts"},
    {"pivot"},
    {"report", "doctor", "gate", "history", "export"},
    {"session"},
    {"claims"},
    {"verbs"},
    {"cli"},
]
# SDK -> the only modules that may import it.
SDKS = {
    "duckdb": {"columns"},
    "docker": {"engines/docker", "engines/endpoint", "probes/container"},
    "testcontainers": {"probes/container"},
    "podman": {"engines/podman"},
    "pydantic": {
        "scenario_types",
        "scenario_reading",
        "scenario_rounds",
        "scenario_words",
        "gate/policy_types",
        "gate/policy_reading",
        "validate/policy",
        "claims/types",
        "claims/reading",
    },
    "yaml": {"scenario_yaml", "goroot/kubernetes"},
    "rich": {"report"},
    "jinja2": {"report/html", "claims/report"},
    "markupsafe": {"report/html"},
    "vl_convert": {"report/pictures"},
    "elftools": {"elf/reader", "elf/symbols", "elf/calls"},
    "re2": {"validate/assertions"},
    "zstandard": {"bases/archive"},
    "capstone": {"elf/calls"},
    "system_calls": {"elf/calls"},
    "watchfiles": {"goroot/watching"},
    "kubernetes_validate": {"goroot/kubernetes"},
    "numpy": {"stats"},
    "scipy": {"stats"},
}


def modules() -> list[Path]:
    return sorted(LAB.rglob("*.py"))


def room(name: str) -> str:
    """``lab.engines.docker`` is in the room engines, ``lab.scenario.yaml_source`` in scenario."""
    first = name.split(".")[1] if "." in name else "__init__"
    known = {one for line in FLOOR for one in line}
    return first if first in known else first.split("_")[0]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "lab":
            found |= {f"lab.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def dotted(path: Path) -> str:
    return "lab." + ".".join(path.relative_to(LAB).with_suffix("").parts)


def level(name: str) -> int:
    found = [number for number, line in enumerate(FLOOR) if room(name) in line]
    assert found, f"{name} is in no room of the flow: give it its place in this test"
    return found[0]


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    own = dotted(path)
    for name in imports(path):
        if name.split(".")[0] != "lab" or name == "lab.__version__":
            continue
        if room(name) != room(own):
            assert level(name) <= level(own), (
                f"{own} imports {name}, which does not stand before it"
            )


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_an_sdk_has_one_importing_room(path: Path) -> None:
    own = path.relative_to(LAB).with_suffix("").as_posix()
    for name in imports(path):
        allowed = SDKS.get(name.split(".")[0])
        if allowed is not None:
            assert any(own == place or own.startswith(place) for place in allowed), (
                f"{own} imports {name}"
            )


def test_engines_meet_no_scenario_record_store_or_report() -> None:
    for path in (LAB / "engines").glob("*.py"):
        rooms = {room(name) for name in imports(path) if name.startswith("lab.")}
        assert not rooms & {"scenario", "plan", "store", "runs", "report", "compare", "session"}


def test_nothing_below_the_command_line_prints_or_exits() -> None:
    for path in modules():
        if dotted(path) in {"lab.cli.main", "lab.cli.output"}:
            continue
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"print", "exit", "quit", "breakpoint", "input"}, path


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_an_error_of_the_users_says_the_next_step(path: Path) -> None:
    without = [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MENDABLE
        and not any(keyword.arg in {"remedy", None} for keyword in node.keywords)
    ]
    assert not without
