"""Where here-documents start in an instruction, and the lines that end them.

Source: BuildKit's frontend/dockerfile/parser (heredocsFromLine) and shell/lex.go: a word of its own
that starts with `<<`, of which any part may be in quotes. Blanks before the name are allowed in
newer versions alone (docker 28.5.2, podman 5.8.6), which then take one for the other in
`$((1 << 3))` and refuse the file; docker 20.10.24 and podman 4.3.1 know neither.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
_WORD = re.compile(
    r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|<<[\t\n\v\f\r ]*|[^\s"'\\<]|<)+|(?P<open>["'])""",
    re.DOTALL,
)
_START = re.compile(r"(?P<number>\d*)<<(?P<dash>-?)(?P<blanks>\s*)(?P<name>[^<]+)", re.DOTALL)

_PLAIN = re.compile(r"\\.|'[^']*'", re.DOTALL)
_BROKEN = re.compile(r"\$\{(?![\w@*#?$!-]\w*[}:?+\-#%/])")  # a variable that no lexer reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What starts a here-document. ``form`` is "-" where tabs before its lines do not count, and a
    quote where its variables stay; ``apart`` says that blanks stand before its name.
    """

    name: str
    form: str
    apart: bool


def starts(keyword: str, rest: str) -> list[Start]:
    """Of an instruction on one line, in their order."""
    if keyword == "ONBUILD":
        keyword = rest.split(None, 1)[0].upper()
    if keyword not in _KEYWORDS or "<<" not in rest:
        return []
    words = list(_WORD.finditer(rest))
    if any(word["open"] for word in words) or _BROKEN.search(_PLAIN.sub("", rest)):
        return []  # builders look no further
    found = (_start(word[0]) for word in words)
    return [one for one in found if one is not None]


def _start(word: str) -> Start | None:
    match = _START.fullmatch(word)
    if match is None:
        return None
    try:
        names = shlex.split(match["name"])
    except ValueError:
        return None
    if len(names) != 1:
        return None
    quotes = [sign for sign in match["name"] if sign in "\"'"]
    quoted = quotes[0] if len(quotes) > sum(names[0].count(sign) for sign in "\"'") else ""
    return Start(name=names[0], form=match["dash"] + quoted, apart=bool(match["blanks"]))
