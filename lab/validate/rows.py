"""What probes answered -> the rows of an image's matrix. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.validate.go import HELLO
from lab.validate.matrix import Cell, Column, Row, Tone
from lab.validate.probes import BARE, TABLE, ProbeResults, causes, libc_facts, predict, threads
from lab.validate.probes.causes import Cause
from lab.validate.results import Probed

CALLS, LIBC, GO = "system calls", "the image's own libc", "Go"
_TONES: Mapping[str, Tone] = {
    "works": "good",
    "missing in the kernel": "none",
    "switched off": "none",
    "refused with the wrong error": "bad",
}
_GOOD = frozenset({"works", "UTF-8"})
# What an image may well do without: said, and no limit of a pair.
_PLAIN = ("locale.", "timezone.", "resolver.localhost", "glibc", "libc", "users", "iconv.")


def rows(image: str, columns: tuple[Column, ...], probed: Probed) -> tuple[Row, ...]:
    """The rows of an image: every call, then what its libc did."""
    found: dict[tuple[str, str], dict[Column, Cell]] = {}
    for column in columns:
        answer = probed.answers.get((image, column))
        bare = probed.bare.get((image, column.kernel))
        if answer is None or bare is None:
            continue
        for name, cause in _causes(column, bare, answer, probed).items():
            found.setdefault((CALLS, name), {})[column] = _cell(cause)
        for name, cell in _libc(answer):
            found.setdefault((LIBC, name), {})[column] = cell
        for name, cell in _go(image, column, answer, probed):
            found.setdefault((GO, name), {})[column] = cell
    order = [(CALLS, name) for name in TABLE]
    order += [key for key in found if key[0] == LIBC]
    order += [key for key in found if key[0] == GO]
    return tuple(Row(name=key[1], group=key[0], cells=found[key]) for key in order if key in found)


def failed(answer: ProbeResults | None) -> tuple[str, ...]:
    """What of the image's libc did not come to a good end: nothing that uses it would."""
    started = None if answer is None else threads(answer)
    if started is None or started.works:
        return ()
    return (f"its libc starts no thread: {started.words}",)


def _causes(
    column: Column, bare: ProbeResults, answer: ProbeResults, probed: Probed
) -> dict[str, Cause]:
    version = probed.versions.get(column.kernel)
    if column.engine == BARE:
        return causes(bare, kernel=version)
    profile = probed.profiles.get(column.engine)
    predicted = None if profile is None else predict(profile, kernel=version or "999.0")
    return causes(bare, kernel=version, confined=answer, predicted=predicted)


def _cell(cause: Cause) -> Cell:
    tone: Tone = _TONES.get(cause.name, "limit")
    why = cause.why if cause.name == "works" else f"{cause.name}: {cause.why}"
    if cause.as_expected is False:
        why += "; the profile's file predicts otherwise"
    return Cell(word=cause.word, tone=tone, why=why)


def _libc(answer: ProbeResults) -> Iterator[tuple[str, Cell]]:
    started, facts = threads(answer), libc_facts(answer)
    if started is not None:
        refused = started.works and started.clone3 not in {None, "works"}
        tone: Tone = "bad" if not started.works else "limit" if refused else "good"
        word = "works" if started.works else "fails"
        yield "threads", Cell(word=word, tone=tone, why=started.words)
    for name, word in (facts or {}).items():
        plain = name.startswith(_PLAIN)
        good: Tone = "good" if word in _GOOD else "none" if plain else "bad"
        yield name, Cell(word=word, tone=good)


def _go(
    image: str, column: Column, answer: ProbeResults, probed: Probed
) -> Iterator[tuple[str, Cell]]:
    """Where its own Go ran, everything; elsewhere, whether what any image's Go linked runs here."""
    if column == probed.go_column and image in probed.go:
        yield from probed.go[image].cells(probed.go_roots[image]).items()
    for number, name in enumerate(probed.go):
        for program, words in ((f"go{number}", "without cgo"), (f"cgo{number}", "with cgo")):
            ran = answer.programs.get(program)
            if ran is None:
                continue
            good = ran.code == 0 and HELLO in ran.output
            why = "the image has no loader for it" if ran.missing else ran.signal or ""
            why = why or " ".join(ran.output[-1:]) or f"exit code {ran.code}"
            yield (
                f"hello {words} of {name}",
                Cell(word="runs" if good else "fails", tone="good" if good else "bad", why=why),
            )
