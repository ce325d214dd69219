"""Why a call answers otherwise in a container than on the bare kernel, or than expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lab.validate.probes.results import Answer, ProbeResults
from lab.validate.probes.seccomp_profile import Prediction
from lab.validate.probes.syscall_table import TABLE, SystemCall, version

Name = Literal[
    "works",
    "missing in the kernel",
    "switched off",
    "blocked by seccomp",
    "refused with the wrong error",
    "lacks a capability",
    "refused by the container",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One call's answer and its reason. ``as_expected`` is False where the profile's file
    predicts another answer, None where there was no profile to ask."""

    word: str
    name: Name
    why: str
    as_expected: bool | None = None


def causes(
    bare: ProbeResults,
    *,
    kernel: str | None,
    confined: ProbeResults | None = None,
    predicted: Mapping[str, Prediction] | None = None,
) -> dict[str, Cause]:
    """The cause of each call's answer, on the bare kernel or in a container on that kernel.

    ``kernel`` is its version; None where it is not known.
    """
    found = {}
    for name, call in TABLE.items():
        here = bare.calls.get(name, Answer())
        said = None if predicted is None else predicted.get(name)
        there = None if confined is None else confined.calls.get(name, Answer())
        found[name] = _on_kernel(call, here, kernel)
        if there is not None:
            found[name] = _in_container(call, found[name], here, there, said)
    return found


def _on_kernel(call: SystemCall, answer: Answer, kernel: str | None) -> Cause:
    word = call.word(answer)
    if word == "works":
        return Cause(word=word, name="works", why=f"since Linux {call.since} by {call.source}")
    if word == "ENOSYS" and kernel is None:
        why = f"it exists since Linux {call.since}; this kernel's version is not known"
        return Cause(word=word, name="missing in the kernel", why=why)
    if word == "ENOSYS" and kernel is not None and version(kernel) < call.since_version:
        why = f"it exists since Linux {call.since} by {call.source}; this is {kernel}"
        return Cause(word=word, name="missing in the kernel", why=why)
    if word in {"unasked", "killed"}:
        return Cause(word=word, name="unknown", why=answer.signal or "it could not be asked")
    off = f": {call.off}" if call.off else ""
    return Cause(word=word, name="switched off", why=f"it exists since Linux {call.since}{off}")


def _in_container(
    call: SystemCall, bare: Cause, here: Answer, there: Answer, said: Prediction | None
) -> Cause:
    word = call.word(there)
    as_expected = None if said is None else _agrees(call, here, there, said)
    same = word == bare.word and (said is None or said.allowed or word == "ENOSYS")
    if word == "works" or same:
        name: Name = "works" if word == "works" else bare.name
        return Cause(word=word, name=name, why=bare.why, as_expected=as_expected)
    name, why = _refusal(call, bare, word, said)
    return Cause(word=word, name=name, why=why, as_expected=as_expected)


def _refusal(call: SystemCall, bare: Cause, word: str, said: Prediction | None) -> tuple[Name, str]:
    """What in a container refuses a call that the bare kernel does, and the reason in words."""
    blocks = said is not None and not said.allowed
    if call.fallback and word != "ENOSYS" and (blocks or said is None):
        return (
            "refused with the wrong error",
            f"glibc has another way only at ENOSYS, not at {word}",
        )
    if said is not None and blocks:
        why = f"the profile says {said.word}: {said.why}"
        if word == "ENOSYS" and said.word != word:
            why += "; the runtime answers ENOSYS for calls newer than all that the profile names"
        return "blocked by seccomp", why
    if word in {"EPERM", "EACCES"} and call.capability:
        return "lacks a capability", f"it needs {call.capability}, which the container has not"
    if word == "ENOSYS" and said is not None:
        why = "the profile allows it, but the libseccomp of the runtime does not know it"
        return "blocked by seccomp", why
    return "refused by the container", f"the bare kernel answers {bare.word}"


def _agrees(call: SystemCall, here: Answer, there: Answer, said: Prediction) -> bool:
    """Whether the container answered as the profile's file and the bare kernel predict."""
    if said.allowed:
        return call.word(there) == call.word(here)
    return said.word in {there.word, "depends"}
