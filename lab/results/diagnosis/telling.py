"""Which of a step's lines tell most of why it failed: by the words and forms that tools use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.results.diagnosis.output import Seen

_ERROR = re.compile(
    r"(?i)\berr(?:or|!|:)|(?:^|\W)E: |error:|\bfail(?:ed|ure|s)?\b|\bfatal\b|\bcan ?not\b|\bcan't\b"
    r"|\bcould ?n[o']t\b|\bunable\b|\bdenied\b|\brefused\b|\btimed? ?-?out\b"
    r"|\bno (?:space|such|required|matching|rule)\b"
    r"|\bnot found\b|\bundefined\b|\bunresolved\b|\bpanic(?:ked)?\b|\btraceback\b|exception\b"
    r"|\bkilled\b|\bsegmentation\b|\baborted\b|\binvalid\b|\bconflict|\bunreachable\b|\bmismatch"
    r"|\bcorrupt|\bexpired\b|\bunknown\b|\bunsupported\b|\bquota\b|\bnot permitted\b"
    r"|(?<![\w-])broken(?![\w-])|\bproblem\b|\bunmet\b|\bdata race\b"
    r"|\bnot (?:in \S+ format|valid|a valid|recogni[sz]ed|supported|allowed|installed)\b"
    r"|(?-i:\bE[A-Z]{4,}\b|\w+Error\b)"
)
# Of an error perhaps, where no line says it plainly.
_HINT = re.compile(r"(?i)\bmissing\b")
_GUESS = re.compile(r"\b(?:may|might) mean\b")
_WARNING = re.compile(
    r"(?i)\bwarn(?:ing)?\b|\b(?:is|are|been) deprecated|\bdeprecat\w*:|\bretrying\b|\[-W[a-z]|^W: "
)
# What says that something failed, while another line says what.
_HOLLOW = re.compile(
    r"^Traceback \(|ERROR: Exception:$|subprocess-exited-with-error|exit (?:code|status)|^FAIL\b"
    r"|^make(?:\[\d+\])?: \*\*\*|^npm (?:error|ERR!) (?:code|errno|syscall)\b"
    r"|^collect2: |^--- FAIL: |finished with status 'error'"
    r"|^FAILED: |^ninja: build stopped|\b(?:FAILED|ERROR) +\[ *\d+%\]|^test .* FAILED$|^collecting "
    r"|^=+ |^_+ ERROR |^\[loading |error: \|-$|^ERROR: usage: "
    r"|\b[Ff]ailed to (?:run|execute) (?:\w+ )*(?:command|goal|script)\b"
    r"|: exiting now$|\bChild returned status \d"
)
# What a tool puts in front of a line to say how grave it is.
_LEVEL = re.compile(r"^(?:(?:\[(?:FATAL|ERROR|WARNING|INFO)\]|npm (?:error|ERR!|warn|WARN)) *)+")
# A title above what is told, in capitals.
_TITLE = re.compile(r"[A-Z][A-Z !-]* ?:?|(?:Failures|Errors): *")
_FATAL = re.compile(r"^(?:\[FATAL\]|(?:FATAL ERROR|fatal error|fatal): )")
# What is no cause: said to be none, or what to read and to do now.
_ASIDE = re.compile(
    r"^\[(?:INFO|WARNING)\]|(?i:^(?:to see|re-?run|for more|more details|see|try|hint|help|note"
    r"|please|consider|a complete log)\b|^\[help)"
)
_OF_ANOTHER = re.compile(r"\bexit (?:code|status):? \d+\.?$")  # raised of a program that failed
_RAISED = re.compile(r"^(?:E +)?(?:panic: |(?:[a-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception)\b)")


def telling(lines: Sequence[tuple[str, Seen]]) -> list[tuple[str, Seen]]:
    """Lines that speak of an error, the most telling first.

    What was raised last says more than what was raised on the way to it, and more than the lines
    around it; then comes what the tool calls fatal; of others the first is the cause. Lines that
    only count failures come last, with titles and advice.
    """
    ranks: list[list[tuple[str, Seen]]] = [[] for _ in range(6)]
    for each in lines:
        text = each[1].text
        if (_ERROR.search(text) or _HINT.search(text)) and _says(text):
            ranks[_rank(text)].append(each)
    raised, *others = ranks
    return [*reversed(raised), *(each for rank in others for each in rank)]


def loudness(text: str) -> int:
    """2 of a line that speaks of an error, 1 of a warning, else 0."""
    if not _says(text):
        return 0
    return 2 if _ERROR.search(text) else 1 if _WARNING.search(text) else 0


def _says(text: str) -> bool:
    """Whether there is a word beside the level that a tool puts in front of all its lines."""
    return re.search(r"\w", _LEVEL.sub("", text)) is not None


def _rank(text: str) -> int:
    """The place of a line that speaks of an error: raised, fatal, any, a hint, hollow, aside."""
    if _RAISED.search(text) and not _OF_ANOTHER.search(text):
        return 0
    said = _LEVEL.sub("", text)
    if _ASIDE.search(text) or _ASIDE.search(said):
        return 5
    if _HOLLOW.search(text) or _TITLE.fullmatch(said):
        return 4
    if _FATAL.search(text):
        return 1
    return 2 if _ERROR.search(text) and not _GUESS.search(text) else 3
