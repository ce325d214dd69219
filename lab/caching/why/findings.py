"""Why a rebuild misses, as findings at the lines of the Dockerfile. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lab.caching.explain import StepExplanation
from lab.caching.why.answer import Answer, EngineAnswer
from lab.caching.why.reasons import reasons
from lab.model import units
from lab.model.finding import Finding


def findings(answer: Answer, place: str) -> Iterator[Finding]:
    """A note for each step that runs again for a cause of its own, engines that agree in one.

    ``place`` is the Dockerfile as the reader knows it.
    """
    said: dict[tuple[int, str], list[str]] = {}
    for one in answer.by_engine:
        for part in one.missed:
            if part.causes:
                said.setdefault((part.step.index, _why(answer, one, part)), []).append(one.engine)
    for (index, text), engines in sorted(said.items()):
        yield Finding(
            rule="rebuilt",
            level="note",
            place=place,
            line=answer.lines.get(index, 1),
            message=f"{' and '.join(engines)}: runs again, {text}",
        )


def _why(answer: Answer, one: EngineAnswer, part: StepExplanation) -> str:
    text = "; ".join(reasons(part.causes, answer.standing)) or part.text
    following = len(one.explained.knock_ons(part.step.index))
    return f"{text}; {units.counted(following, 'step')} below it too" if following else text
