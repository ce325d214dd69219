"""Patterns of Go's filepath.Match, which .dockerignore and COPY speak, as regular expressions.

Source: https://pkg.go.dev/path/filepath#Match. They are not a shell's: a class is negated by ^
alone, and a bare - or ] in it is a mistake.
"""

from __future__ import annotations

import re


def regex(pattern: str, *, deep: bool = False) -> str:
    """What matches the whole of a path; ``deep``: ** crosses folders, as in a .dockerignore.

    Raises re.error where an engine says "syntax error in pattern".
    """
    out = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if deep and pattern.startswith("**", at - 1):
            at += 1
            at += pattern.startswith("/", at)  # ** and **/ mean the same
            out.append(".*" if at == len(pattern) else "(?:.*/)?")
        elif char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, at = _char_class(pattern, at)
            out.append(text)
        elif char == "\\":
            if at == len(pattern):
                raise re.error("a backslash stands at its end")
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def source_regex(pattern: str) -> str:
    """The same of a COPY's source; what no engine reads matches nothing."""
    try:
        return regex(pattern)
    except re.error:
        return "(?!)"


def _char_class(pattern: str, at: int) -> tuple[str, int]:
    """A [class] from after its bracket: as a regular expression, and the place after it."""
    negated = pattern.startswith("^", at)
    out = ["[^" if negated else "["]
    at += negated
    while at < len(pattern):
        if pattern[at] == "]" and len(out) > 1:
            return "".join([*out, "]"]), at + 1
        low, at = _class_char(pattern, at)
        if pattern.startswith("-", at):
            high, at = _class_char(pattern, at + 1)
            low = f"{low}-{high}"
        out.append(low)
    raise re.error("a [ is not closed")


def _class_char(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at : at + 1]
    if char in {"-", "]"}:
        raise re.error(f"a {char} has no place there")
    if char == "\\":
        at += 1
        char = pattern[at : at + 1]
    if not char:
        raise re.error("a [ is not closed")
    return re.escape(char), at + 1
