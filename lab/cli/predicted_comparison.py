"""`lab compare ENGINE ENGINE DOCKERFILE --predict`: where their caches differ, without building."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments, forms
from lab.cli.forms import Form
from lab.model.engine_name import names_engine, parse
from lab.model.errors import InputError
from lab.model.text_wrap import WIDTH, width, wrapped
from lab.model.units import counted

if TYPE_CHECKING:
    from lab.caching.matrix.differences import Difference
    from lab.caching.predict.compare_builds import PredictedEdit


def options(verb: argparse.ArgumentParser) -> None:
    """--predict and --edit."""
    verb.add_argument(
        "--predict",
        action="store_true",
        help="with engines and a Dockerfile: which instructions their caches treat otherwise, "
        "without building",
    )
    verb.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="with --predict: an edit as `lab predict` takes it; repeatable",
    )


def asked(options: argparse.Namespace) -> bool:
    """Whether the command line asks for it."""
    if options.edit and not options.predict:
        raise InputError("--edit goes with --predict", remedy="add --predict, or leave --edit out")
    return bool(options.predict)


def run(options: argparse.Namespace, asked: Sequence[Form]) -> int:
    """Tell the instructions of which the engines' caches make different things."""
    from lab.caching.matrix import kinds, measured
    from lab.caching.matrix.differences import differences
    from lab.caching.predict import inputs
    from lab.caching.predict.compare_builds import predict_edits
    from lab.caching.predict.limits import limits
    from lab.caching.predict.render import edits_as_json
    from lab.dockerfile import parser
    from lab.dockerfile.cachekey import client_rules
    from lab.engines.named import engine_versions

    names, file = _engines_and_file(options)
    given = inputs.read(file, options.context, {}, None)
    known = inputs.cache_inputs(given)  # refuses a Dockerfile that is none
    parsed = parser.parse(given.dockerfile)
    found = list(differences(parsed, names, measured(), kinds()))
    engines = engine_versions(names)
    rules = [client_rules(name, version) for name, version in engines]
    edits = list(predict_edits(given, options.edit, rules))

    def made(form: str) -> str:
        if form == "json":
            told = [_as_json(one) for one in found]
            return forms.json_text({"differences": told, "edits": edits_as_json(edits)})
        return "\n".join(_markdown(found, names)) + "\n"

    def text() -> str:
        lines = (limits(given, known, engines), _lines(found, names, str(file)))
        return "\n".join((*chain(*lines), *_edit_lines(edits, names)))

    forms.show(asked, made, text)
    return 0


def _engines_and_file(options: argparse.Namespace) -> tuple[list[str], Path]:
    arguments.refuse(
        options,
        ("run", "axis", "scenario", "engine", "private", "rounds", "seed", "baseline"),
        "beside --predict: nothing is built",
    )
    values: list[str] = [*options.values]
    *names, last = [*values, *([str(options.dockerfile)] if options.dockerfile else [])]
    if len(names) < 2 or not all(map(names_engine, names)) or names_engine(last):
        raise InputError(
            "--predict compares engines on a Dockerfile",
            remedy="lab compare docker@20.10 docker@28 Dockerfile --predict",
        )
    for name in names:
        parse(name)
    return names, Path(last)


def _lines(found: Sequence[Difference], names: Sequence[str], file: str) -> Iterator[str]:
    """The differences, instruction by instruction."""
    which = " and ".join(names)
    if not found:
        yield from wrapped(f"the caches of {which} treat all instructions of {file} alike")
        return
    lines = {one.instruction.index: one.instruction for one in found}
    yield from wrapped(f"{which} treat {counted(len(lines), 'instruction')} of {file} otherwise:")
    for index, instruction in lines.items():
        yield f"line {instruction.line}: {' '.join(instruction.text.split())}"[: width()]
        for one in found:
            if one.instruction.index == index:
                cells = ", ".join(f"{cell} on {name}" for name, cell in one.cells.items())
                yield from wrapped(f"  {one.kind.name}: {cells}")


def _edit_lines(edits: Sequence[PredictedEdit], names: Sequence[str]) -> Iterator[str]:
    """Of each edit the steps that not all engines treat alike."""
    for edit in edits:
        steps = list(_unlike(edit, names))
        yield from wrapped(
            f"edit {edit.edit}: " + ("" if steps else "the same steps would run on all")
        )
        for text, outcomes in steps:
            said = ", ".join(f"{one} on {name}" for name, one in outcomes)
            yield from wrapped(f"  {text[:60]}: {said}")


def _unlike(
    edit: PredictedEdit, names: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    sides = [{part.step.index: part.step for part in one.steps} for one in edit.by_engine]
    for index, step in sides[0].items():
        outcomes = [str(side[index].outcome) if index in side else "None" for side in sides]
        if len({one for one in outcomes if one != "None"}) > 1:
            yield " ".join(step.instruction.split()), list(zip(names, outcomes, strict=True))


def _markdown(found: Sequence[Difference], names: Sequence[str]) -> Iterator[str]:
    yield f"| line | instruction | edit | {' | '.join(names)} |"
    yield "| ---: | --- | --- |" + " --- |" * len(names)
    for one in found:
        text = " ".join(one.instruction.text.split())[:WIDTH].replace("|", "\\|")
        cells = " | ".join(one.cells.values())
        yield f"| {one.instruction.line} | `{text}` | {one.kind.name} | {cells} |"


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "line": one.instruction.line,
        "instruction": one.instruction.text,
        "edit": one.kind.title,
        "outcomes": dict(one.cells),
    }
