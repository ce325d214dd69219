"""Foreign text within Markdown: none of it is taken for markup. Pure."""

from __future__ import annotations

import re

# What means something to CommonMark, GitHub's tables or HTML in a line ("@" and "#" would ping),
# and what does so only where a block begins.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~$@&]")
_LEADING = re.compile(r"^(?:[-+=:]|\d+[.)])")
_WORDS = re.compile(r"\b(https?|www)(?=[:.])", re.IGNORECASE)


def escape(text: str, *, leading: bool = True) -> str:
    """Text that no Markdown reader takes for markup, on one line.

    ``leading`` says that it may begin a line: there, not in a table's cell, "-7" or "10." begins
    a list.
    """
    flat = " ".join(text.split())
    flat = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", flat)
    if leading:
        flat = _LEADING.sub(lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", flat)
    return _WORDS.sub(r"\1&#8203;", flat)  # a bare address would become a link


def code(text: str, language: str = "text") -> str:
    """Text as a block that only its own fence can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
