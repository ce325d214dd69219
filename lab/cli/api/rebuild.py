"""`lab.why`: why a rebuild misses between two commits, or since the last one. Nothing is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.caching.git.place import place
from lab.caching.why import Answer, Asked, findings, render
from lab.caching.why import why as answered
from lab.caching.why.states import WORK_TREE
from lab.engines.named import engine_versions
from lab.host import repository_paths
from lab.model.finding import Finding
from lab.report import markdown_findings

ENGINES = ("docker", "podman")  # where none is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """Which steps of a Dockerfile run again between two states of its repository, and why."""

    dockerfile: Path
    answer: Answer

    @property
    def place(self) -> str:
        """The Dockerfile's path in its repository."""
        return repository_paths.shown(self.dockerfile)

    def findings(self) -> list[Finding]:
        """The same at lines of the Dockerfile, for CI systems."""
        return list(findings.findings(self.answer, self.place))

    def __str__(self) -> str:
        return "\n".join(render.lines(self.answer))

    def _repr_markdown_(self) -> str:
        return markdown_findings.rebuild(self.place, self.answer)


def why(
    dockerfile: Path | str = "Dockerfile",
    *,
    between: tuple[str, str] = ("HEAD", WORK_TREE),
    context: Path | str | None = None,
    engines: Sequence[str] = (),
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    run: str | None = None,
    results: Path | str = "results",
) -> Rebuild:
    """Why a rebuild misses, as `lab why` says it: ``between`` two commits, branches or tags; "." is
    the work tree.

    ``engines`` are NAME or NAME@VERSION; docker and podman where none is named. ``run`` is one of
    the runs in ``results`` to take times from; the latest that fits where none is named. Raises
    `lab.LabError`.
    """
    before, after = between
    asked = Asked(
        place=place(Path(dockerfile), None if context is None else Path(context)),
        before=before,
        after=after,
        engines=engine_versions(engines or ENGINES),
        build_args=build_args or {},
        target=target,
        run=run,
        results=Path(results),
    )
    return Rebuild(dockerfile=Path(dockerfile), answer=answered(asked))
