"""The options before an instruction's operands."""

from __future__ import annotations

import re

# BuildKit (frontend/dockerfile/parser, extractBuilderFlags): a word that starts with two dashes,
# in it quotes that are taken away and characters that are escaped.
_FLAG = re.compile(
    r"""--((?:\\.|'(?:\\.|[^'\\])*(?:'|$)|"(?:\\.|[^"\\])*(?:"|$)|[^\s'"\\])*)(?:\s+|$)""", re.ASCII
)
_PART = re.compile(
    r"""(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\])*)(?:(?P=quote)|$)|\\(.)"""
)
_ESCAPED = re.compile(r"\\(.)")


def flags_of(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """An instruction's leading ``--name=value`` options without quotes, and what follows them."""
    flags = []
    while match := _FLAG.match(rest):
        rest = rest[match.end() :]
        if not match[1]:  # two dashes alone end the options
            break
        name, _, value = _plain(match[1]).partition("=")
        flags.append((name, value))
    return tuple(flags), rest


def _plain(word: str) -> str:
    def shown(match: re.Match[str]) -> str:
        return _ESCAPED.sub(r"\1", match["quoted"]) if match["quote"] else match[3]

    return _PART.sub(shown, word)
