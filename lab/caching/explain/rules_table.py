"""What goes into each engine's cache keys, as a table: why the same edit ends otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lab.dockerfile.cachekey import Rules

ASPECTS: tuple[tuple[str, Callable[[Rules], bool]], ...] = (
    ("a file's content, mode and name", lambda _one: True),
    ("a file's time", lambda one: one.mtime),
    ("a file's owner in the context", lambda one: one.owner),
    ("the mode of a copied folder", lambda one: one.folders),
    ("a Dockerfile that .dockerignore names", lambda one: one.ignores == "nothing"),
    ("what lies behind a bind mount", lambda one: one.mounts),
    ("build arguments declared but not used", lambda one: one.arguments),
    ("an ARG's default, for the steps below", lambda one: one.argument_text),
    ("ENV, USER: for COPY steps below", lambda one: one.metadata),
    ("LABEL, CMD, EXPOSE: for steps below", lambda one: one.metadata),
)


def rules_table(engines: Mapping[str, Rules]) -> Iterator[str]:
    """The table: an engine a column."""
    names = [name.removeprefix("docker-") for name in engines]
    width = max((len(text) for text, _ in ASPECTS), default=0)
    yield "cache key inputs"
    yield f"  {'':{width}}  " + "  ".join(names)
    for text, asked in ASPECTS:
        cells = ["yes" if asked(one) else "no" for one in engines.values()]
        padded = "  ".join(f"{cell:{len(name)}}" for cell, name in zip(cells, names, strict=True))
        yield f"  {text:{width}}  {padded}".rstrip()
