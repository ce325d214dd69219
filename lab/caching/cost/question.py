"""What is asked about: a run, a Dockerfile, or both, each found by the other where it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.caching.cost.rebuilds import Rebuilds, rebuilds
from lab.caching.cost.render import Asked
from lab.caching.cost.table import Cost, cost
from lab.caching.git.place import Place, place
from lab.caching.measured.fitting_run import fitting_run
from lab.caching.predict.inputs import read_text
from lab.caching.replay.commit_predictor import parsed
from lab.dockerfile.cachekey import client_rules
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.model import engine_name
from lab.model.errors import InputError, LabError
from lab.model.record import HIT_RATE_KEYWORDS
from lab.results import runs
from lab.scenario import loader
from lab.scenario.model import Own


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``dockerfile`` and ``stored`` are None where nobody named one. ``engine`` is a name and a
    version; None: the run's first, else docker.
    """

    dockerfile: Path | None = None
    stored: runs.StoredRun | None = None
    context: Path | None = None
    engine: tuple[str, str] | None = None
    commits: int = 100
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    results: Path = Path("results")


def answer(question: Question) -> tuple[Cost, Asked]:
    """What each instruction costs, and what is not known. Raises InputError."""
    lacking: list[str] = []
    stored = question.stored
    if question.dockerfile is None and stored is not None:
        question = _with_own_project(question, stored)
    text, texts, parse = None, None, None
    if question.dockerfile is not None:
        text = read_text(question.dockerfile)
        parse = parsed(text, str(question.dockerfile), question.build_args)
        texts = _texts(parse, question)
        if stored is None:
            stored = fitting_run(list(texts), question.results)
    engine, version = _engine(question, stored)
    history = None
    if text is not None and question.dockerfile is not None:
        history = _history(question, text, (engine, version), lacking)
    else:
        lacking.append(
            "How often commits rebuild each, this run does not say: lab cost DOCKERFILE --run RUN "
            "reads it from git."
        )
    builds = () if stored is None else stored.builds
    if question.stored is not None and not any(one.status == "ok" for one in builds):
        raise InputError(
            f"no build of run {question.stored.run.id} ended well", remedy="name another run"
        )
    found = cost(builds, engine, texts=texts, history=history)
    lacking += _unmeasured(found, question, stored)
    asked = Asked(
        dockerfile=None if question.dockerfile is None else str(question.dockerfile),
        run=None if stored is None else stored.run.id,
        lacking=lacking,
    )
    return found, asked


def _with_own_project(question: Question, stored: runs.StoredRun) -> Question:
    """With the Dockerfile and the context that the run's scenario names, where they are still there
    and as they were: what the run built says so.
    """
    scenario = stored.run.scenario
    try:
        path = None if scenario.path is None else Path(scenario.path)
        work = loader.parse(scenario.text, path).workload
        if not isinstance(work, Own):
            return question
        found = replace(question, dockerfile=work.context / work.dockerfile, context=work.context)
        text = read_text(found.dockerfile or Path())
        wanted = set(_texts(parsed(text, "", question.build_args), found))
    except LabError:  # of an older lab, or gone
        return question
    had = {" ".join(step.instruction.split()) for one in stored.builds for step in one.steps}
    return found if wanted <= had else question


def _texts(parse: Dockerfile, question: Question) -> dict[str, int | None]:
    """The instructions that the target needs and that take time, with their lines."""
    try:
        needed = parse.needed(question.target)
    except DockerfileError as error:
        remedy = "--target takes one of its stages"
        raise InputError(f"{question.dockerfile}: {error}", remedy=remedy) from error
    return {
        " ".join(one.text.split()): one.line
        for one in parse.instructions
        if one.stage in needed and one.keyword in HIT_RATE_KEYWORDS
    }


def _engine(question: Question, stored: runs.StoredRun | None) -> tuple[str, str]:
    told = () if stored is None else stored.run.engines
    names = [one.name for one in told]
    if question.engine is None:
        return (told[0].name, told[0].version) if told else ("docker", "")
    name, version = question.engine
    alike = [one for one in names if engine_name.family(one) == engine_name.family(name)]
    if stored is not None and name not in names and not alike:
        raise InputError(
            f"run {stored.run.id} has no build of {name}", remedy=f"its engines: {', '.join(names)}"
        )
    return (alike[0] if alike and name not in names else name), version


def _history(
    question: Question, text: str, engine: tuple[str, str], lacking: list[str]
) -> Rebuilds | None:
    file = question.dockerfile or Path("Dockerfile")
    try:
        there: Place = place(file, question.context)
        found = rebuilds(
            there,
            text,
            client_rules(*engine),
            commits=question.commits,
            build_args=question.build_args,
            target=question.target,
        )
    except LabError as error:
        lacking.append(
            f"How often commits rebuild each is not known: {error.message.splitlines()[0]}."
        )
        return None
    if found is None:
        lacking.append(
            "How often commits rebuild each is not known: git has fewer than two here; is it a "
            "shallow clone?"
        )
    return found


def _without_layers(stored: runs.StoredRun) -> str:
    if stored.run.imported:
        return "an imported record has none"
    if {one.storage for one in stored.run.engines} == {"memory"}:  # nothing was built
        return "the engine makes none"
    return "an older lab made this run"


def _unmeasured(found: Cost, question: Question, stored: runs.StoredRun | None) -> Sequence[str]:
    """What has no figure, and what gives it one."""
    file = question.dockerfile
    measure = f"lab run --dockerfile {file or 'Dockerfile'}"
    if stored is None:
        return (f"Times and sizes of layers are not known: `{measure}` measures them.",)
    said = []
    untimed = sum(one.took is None for one in found.lines)
    if untimed:
        said.append(
            f"{untimed} of {len(found.lines)} instructions never ran in run {stored.run.id}: "
            f"`{measure}` measures them."
        )
    if found.lines and all(one.layer is None for one in found.lines):
        said.append(f"Sizes of layers are not known: {_without_layers(stored)}.")
    if stored.run.imported and len(stored.builds) == 1:
        said.append("One build says little: lab import --together makes one run of many.")
    if found.unfit:
        effect = "left out" if found.left_out else "their times are likely too long"
        said.append(
            f"{found.unfit} of {found.builds} builds were disturbed by the machine: {effect} "
            "(`lab report RUN` says by what)."
        )
    others = [one.name for one in stored.run.engines if one.name != found.engine]
    if others:
        said.append(f"The run has other engines too: --engine {others[0]}.")
    return said
