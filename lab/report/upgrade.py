"""What a base upgrade changes, for people: on a terminal of 80 columns, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from lab.report.colours import BAD, DOUBT, GOOD
from lab.report.formatting import clean, flat
from lab.report.markdown_text import escape
from lab.report.terminal import console
from lab.report.terminal_brief import Page
from lab.validate.changes import Change, Section, Upgrade

_SHOWN = 4  # changes of one section on a terminal; --all lists them, as Markdown and JSON do
_FIRST = ("libraries", "system calls", "packages", "commands")  # what their headlines do not tell
_SIGNS = {"lost": ("-", BAD), "new": ("+", GOOD), "differs": ("~", DOUBT)}


def show(found: Upgrade, stream: TextIO | None = None, *, everything: bool = False) -> None:
    """Print it: all, or in a screen's lines what its headlines do not tell, of each kind the
    first changes.
    """
    out = console(stream)
    title = Text(flat(f"{found.before} \u2192 {found.after}"), style="bold")
    heads = RichTable.grid(padding=(0, 2))
    heads.add_column(no_wrap=True)
    for section in found.sections:
        heads.add_row(Text(section.name, style="dim"), Text(flat(section.headline)))
    page = Page(out.width, [title, heads])
    page.room -= page.height(title) + page.height(heads) + 3  # the last line's
    blocks = {one.name: _block(one, everything) for one in found.sections if one.changes}
    shown = [name for name in (*_FIRST, *blocks) if name in blocks]
    taken = {name for name in dict.fromkeys(shown) if everything or page.add(blocks[name])}
    out.print(title, heads, *(block for name, block in blocks.items() if name in taken), sep="\n")
    left = [f"{one.name} ({len(one.changes)})" for one in found.sections if one.name in blocks]
    left = [text for text, name in zip(left, blocks, strict=True) if name not in taken]
    if left:
        out.print(Text(f"\nleft out: {', '.join(left)}; --all lists them", style="dim"))


def _block(section: Section, everything: bool) -> Group:
    """A section's name, its changes and what there is to remark."""
    shown = section.changes if everything else _first(section)
    table = RichTable.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for change in shown:
        sign, style = _SIGNS[_kind(change)]
        line = Text(flat(change.name))
        line.append(flat(_values(change)), style="dim")
        table.add_row(Text(sign, style=style), line)
    lines: list[RenderableType] = [Text(f"\n{section.name}", style="bold underline")]
    lines.append(Padding(table, (0, 2)))
    if (more := len(section.changes) - len(shown)) > 0:
        lines.append(Padding(Text(f"and {more} more: --all lists them", style="dim"), (0, 4)))
    if section.remark:
        lines.append(Padding(Text(flat(section.remark), style="dim italic"), (0, 2)))
    return Group(*lines)


def markdown(found: Upgrade) -> str:
    """All of it as GitHub-flavoured Markdown: the headlines as a table, the lists folded away."""
    return "\n".join(_markdown(found)).rstrip() + "\n"


def _markdown(found: Upgrade) -> Iterator[str]:
    yield f"# {escape(clean(found.before))} \u2192 {escape(clean(found.after))}\n"
    yield "| what | changes |\n| --- | --- |"
    for section in found.sections:
        yield f"| {section.name} | {escape(clean(section.headline))} |"
    for section in found.sections:
        if not section.changes:
            continue
        yield f"\n<details><summary>{section.name} ({len(section.changes)})</summary>\n"
        yield "| | what | before | after |\n| --- | --- | --- | --- |"
        for change in section.changes:
            cells = (change.name, change.before or "\u2013", change.after or "\u2013")
            row = " | ".join(escape(clean(cell)) for cell in cells)
            yield f"| {_kind(change)} | {row} |"
        if section.remark:
            yield f"\n{escape(clean(section.remark))}"
        yield "\n</details>"


def _first(section: Section) -> tuple[Change, ...]:
    """Some of each kind: what is lost matters more than what is new."""
    ranks = {"lost": 0, "differs": 1, "new": 2}
    ordered = sorted(section.changes, key=lambda one: ranks[_kind(one)])
    if len(ordered) <= _SHOWN:
        return tuple(ordered)
    kinds = [name for name in ranks if any(_kind(one) == name for one in ordered)]
    each = _SHOWN // len(kinds)
    picked = [one for name in kinds for one in [o for o in ordered if _kind(o) == name][:each]]
    return tuple(picked)


def _kind(change: Change) -> str:
    if change.after is None:
        return "lost"
    return "new" if change.before is None else "differs"


def _values(change: Change) -> str:
    plain = {None, "there", "trusted"}
    if change.before is not None and change.after is not None:
        return f"  {change.before} \u2192 {change.after}"
    value = change.after if change.before is None else change.before
    return "" if value in plain else f"  {value}"
