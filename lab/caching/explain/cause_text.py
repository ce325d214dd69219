"""Causes in words: one line for people, the same in a terminal, a report and JSON."""

from __future__ import annotations

from collections.abc import Sequence

from lab.caching.explain.causes import Cause

FILES_NAMED = 4
TEXT_SHOWN = 60


def words(causes: Sequence[Cause]) -> str:
    """All causes of one step: files are counted and named, the rest stands beside them."""
    files = [cause for cause in causes if cause.kind == "file"]
    said = [_words(cause) for cause in causes if cause.kind != "file"]
    if files:
        said.insert(0, _files(files))
    return "; ".join(dict.fromkeys(said))


def _files(causes: Sequence[Cause]) -> str:
    aspects: dict[str, list[str]] = {}
    for cause in causes:
        change = cause.aspect
        if cause.before is not None and cause.after is not None:
            change = f"{cause.aspect} {cause.before}→{cause.after}"
        aspects.setdefault(cause.subject, []).append(change)
    shown = [f"{path} {' and '.join(found)}" for path, found in aspects.items()]
    more = len(shown) - FILES_NAMED
    listed = ", ".join(shown[:FILES_NAMED]) + (f", and {more} more" if more > 0 else "")
    count = "1 file" if len(shown) == 1 else f"{len(shown)} files"
    return f"{count} changed ({listed})"


def _words(cause: Cause) -> str:
    if cause.kind in {"env", "arg"}:
        return _variable(cause)
    return _SAID[cause.kind].format(
        subject=shortened(cause.subject),
        before=shortened(cause.before) or "none",
        after=shortened(cause.after) or "none",
    )


def _variable(cause: Cause) -> str:
    name, before, after = f"{cause.kind.upper()} {cause.subject}", cause.before, cause.after
    if before is None:
        return f"{name} added: {shortened(after)}"
    if after is None:
        return f"{name} removed (was {shortened(before)})"
    return f"{name} changed {shortened(before)} → {shortened(after)}"


_SAID = {
    "base": "base moved {before} → {after}",
    "image": "image {subject} moved {before} → {after}",
    "text": "text changed: {before} → {after}",
    "setting": "{subject} changed {before} → {after}",
    "added": "new instruction: {subject}",
    "removed": "instruction removed before it: {subject}",
    "order": "order of instructions changed: {subject} moved",
    "cold": "cold build: the cache was passed over",
    "never": "never built before",
    "evicted": "evicted: an earlier build made the same, and the engine no longer has it",
    "fresh": "a fresh engine, and no cache was restored",
    "import": "the cache could not be read: {subject}",
    "layers": "its layers are not in the cache: {subject} keeps those of the last stage alone",
    "untaken": "the restored cache was made with it, and it was not taken: a blob is gone or "
    "damaged, or another version of the engine made the cache",
    "overlooked": "the restored caches were made with it, and it was not taken: a blob is damaged, "
    "or docker, which was given several caches at once, passed it over",
    "gone": "its layers are gone from the registry, which was asked for a blob and had none "
    "{subject}",
    "unfound": "not found in the registry, or the registry did not answer: the engine does not say",
    "unasked": "before 4.4 podman looks for no ARG in a registry, nor for what stands on one",
    "unknown": "none of the cache inputs has changed",
}


def shortened(text: str | None) -> str:
    """A text on one line that fits into a sentence; empty for none."""
    if text is None:
        return ""
    line = " ".join(text.split())
    if line.startswith("sha256:"):
        return f"{line[:19]}…"
    return line if len(line) <= TEXT_SHOWN else f"{line[: TEXT_SHOWN - 1]}…"
