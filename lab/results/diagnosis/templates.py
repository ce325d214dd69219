"""Templates of log lines: what stays of a line where all that varies by itself is taken out.

A template is the line with its numbers, times, amounts, hashes and temporary places replaced by
marks. Versions have a mark of their own, and their values are kept beside the template: that one
has changed is often the cause. Words that vary from build to build are found later, by comparing
builds (lab.results.diagnosis.profile); nothing here depends on the order of lines.

Drain3, the library for this, was last released in 2022, pins old releases of two others and reads
some 15,000 lines a second: a log of 200 MB would take it minutes.
"""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNIT = r"(?:[kKMGT]i?B/s|B/s|[kKMGT]i?[Bb]|[kKMGT]|B|bytes?|ms|[µu]s|ns|s|secs?|seconds?|m|min|h)"
_VARIABLE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d{1,2}:\d\d(?::\d\d)(?:[.,]\d+)?\b)"
    r"|(?P<hash>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\bsha\d{1,3}[-:][A-Za-z0-9+/=]{16,}|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,}\b"
    r"|\b(?=\w*\d)(?=\d*[A-Za-z])\w{16,}\b)"
    r"|(?P<place>/(?:tmp|var/tmp|proc/\d+)/[^\s'\":,;)\]]+|\btmp[._-]?\w{6,}\b)"
    r"|(?P<address>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)"
    rf"|(?P<amount>\b\d+(?:[.,]\d+)*\s?(?:{_UNIT}\b|%)(?:\d+(?:\.\d+)?s\b)?)"
    r"|(?P<version>(?<![\d.])(?:\d+:)?\d+(?:\.\d+){2,}[\w.+~:-]*"
    r"|(?<=[A-Za-z0-9][-=@_/(v])\d+(?:\.\d+)+[\w.+~:-]*|(?<=[ (=@\[]v)\d+(?:\.\d+)+[\w.+~:-]*"
    r"|(?<=[(\[])(?:\d+:)?\d+(?:\.\d+)+[\w.+~:-]*|(?<![\d.])(?:\d+:)?\d+(?:\.\d+)*[+~-]\d[\w.+~-]*"
    r"|(?<=\bgo)\d+\.\d+[\w.]*)"
    r"|(?P<number>\d+(?:[.,]\d+)*)"
)
_MARKS = {
    "time": "<time>",
    "hash": "<hash>",
    "place": "<place>",
    "address": "<n>",
    "amount": "<n>",
    "version": "<version>",
    "number": "<n>",
}
_DIGITS = b"0123456789"
_MOST_KNOWN = 50_000
LONGEST = 2_000  # of a longer line, the rest is seldom for people


def clean(line: str) -> str:
    """The line as a terminal would leave it: without colours, and the last of its overwritings."""
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    if "\r" in line:
        line = line.rstrip("\r").rpartition("\r")[2]
    return line.strip()[:LONGEST]


def template(line: str) -> str:
    """The template of a cleaned line."""
    return " ".join(_VARIABLE.sub(_mark, line).split())  # columns are as wide as their figures


def versions(line: str) -> tuple[str, ...]:
    """The versions that a cleaned line names."""
    found = (one["version"] for one in _VARIABLE.finditer(line) if one["version"])
    return tuple(one.rstrip(".:-") for one in found)


def _mark(match: re.Match[str]) -> str:
    kind = match.lastgroup or "number"
    if kind == "version":  # the end of a sentence is none of it
        text = match[0]
        return _MARKS[kind] + text[len(text.rstrip(".:-")) :]
    return _MARKS[kind]


class Templates:
    """Templates of many lines: those that differ in digits alone are looked up once."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, line: str) -> str:
        """The template of a cleaned line."""
        key = line.encode("utf-8", "surrogatepass").translate(None, _DIGITS)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()  # lines of nothing but hashes: memory does not grow with them
            found = self._known[key] = template(line)
        return found
