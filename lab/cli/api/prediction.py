"""`lab.predict`: what edits would rebuild. Nothing is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.caching.predict import inputs
from lab.caching.predict.compare_builds import PredictedEdit, predict_edits
from lab.caching.predict.findings import findings
from lab.caching.predict.limits import limits
from lab.caching.predict.render import edit_lines
from lab.dockerfile.cachekey import CacheInputs, client_rules
from lab.dockerfile.edits import Inputs
from lab.dockerfile.parser import parse
from lab.engines import features, remote_caches
from lab.engines.named import engine_versions
from lab.host import repository_paths
from lab.images.triggers import triggers
from lab.model.finding import Finding
from lab.model.remote_cache import SEVERAL, WARM
from lab.model.text_wrap import wrapped
from lab.report import markdown_findings

_PASSED_OVER = (
    "docker, which is given a cache for each stage, passes over a step of them now and then: more "
    "may run than is said here (docs/fresh-runner.md)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What each of some edits of one Dockerfile or its context would run again, by engine.

    ``limits`` are what no prediction of steps says: builds that would fail. ``cache`` is what a
    fresh engine restores by.
    """

    dockerfile: Path
    given: Inputs
    cache_inputs: CacheInputs
    engines: tuple[tuple[str, str], ...]
    edits: tuple[PredictedEdit, ...]  # by the engines that can build it, where one can
    cache: str = WARM

    @property
    def limits(self) -> list[str]:
        """What a user should know before the predictions."""
        found = list(limits(self.given, self.cache_inputs, self.engines))
        return [*found, *wrapped(_PASSED_OVER)] if self.cache in SEVERAL else found

    @property
    def place(self) -> str:
        """The Dockerfile's path in its repository."""
        return repository_paths.shown(self.dockerfile)

    def findings(self) -> list[Finding]:
        """The same at lines of the Dockerfile, for CI systems."""
        found = findings(self.given, self.cache_inputs, self.engines, self.edits, self.place)
        return list(found)

    def __str__(self) -> str:
        return "\n".join([*self.limits, *edit_lines(self.edits)])

    def _repr_markdown_(self) -> str:
        edited = any(one.edit for one in self.edits)
        return markdown_findings.predictions(self.place, self.findings(), edited=edited)


def predict(
    dockerfile: Path | str,
    *edits: str,
    context: Path | str | None = None,
    engines: Sequence[str] = (),
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    cache: str = WARM,
    base_images: Sequence[str] = (),
) -> Predicted:
    """What edits would rebuild, each made alone, as `lab predict --edit` says it; without an edit:
    what building it again would.

    ``engines`` are NAME or NAME@VERSION; all real ones where none is named. ``cache``: on a fresh
    engine, by the strategy of this name (docs/fresh-runner.md). ``base_images`` are
    REFERENCE=IMAGE: their triggers are steps too. Raises `lab.LabError`.
    """
    given = inputs.read(
        Path(dockerfile),
        None if context is None else Path(context),
        build_args or {},
        target,
        triggers(base_images),
    )
    found = remote_caches.able(engine_versions(engines), cache, named=bool(engines))
    known = inputs.cache_inputs(given)  # refuses a Dockerfile that is none
    parsed = parse(given.dockerfile, given.build_args)
    able = [one for one in found if not features.lacks(*one, parsed, session=True)]
    rules = [client_rules(name, version) for name, version in able or found]
    return Predicted(
        dockerfile=Path(dockerfile),
        given=given,
        cache_inputs=known,
        engines=tuple(found),
        edits=tuple(predict_edits(given, list(edits) or [""], rules, cache)),
        cache=cache,
    )
