"""A validation for people: on a terminal, as Markdown, as one HTML page without script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as html_escape
from typing import TextIO

from rich.table import Table as RichTable
from rich.text import Text

from lab.report import html as pages
from lab.report import probes
from lab.report.formatting import clean, flat
from lab.report.markdown_text import escape
from lab.report.probes import MISSING
from lab.report.terminal import console
from lab.validate.matrix import BARE, TONES, Cell, Column, Tone, Validation

FEW = 4  # pairs of kernel and engine that an answer names; of more it counts them

_SIGNS: dict[Tone, str] = {"good": "✅", "limit": "⚠️", "bad": "❌", "none": "-"}


def show(one: Validation, stream: TextIO | None = None, *, reasons: bool = False) -> None:
    """Print a validation; ``reasons`` asks for every reason instead of the first ones."""
    out = console(stream)
    out.print(Text(flat(f"{one.image}: {one.origin}"), style="bold"))
    probes.verdicts(out, one, reasons=reasons)
    facts = RichTable.grid(padding=(0, 2))
    for name, text in one.facts:
        facts.add_row(Text(name, style="dim"), Text(flat(text)))
    out.print(facts)
    if one.rows:
        probes.probes(out, one, reasons=reasons)
    for finding in one.broken:
        said = f"broken: {finding.place}: {finding.message}"
        out.print(Text(flat(said), style="bold red"))
    for note in one.notes:
        out.print(Text(flat(note), style="dim"))


def markdown(found: Sequence[Validation]) -> str:
    """All validations as GitHub-flavoured Markdown."""
    return "\n".join(line for one in found for line in _markdown(one)).rstrip() + "\n"


def _markdown(one: Validation) -> Iterator[str]:
    yield f"# {_plain(one.image)}\n\n{_plain(one.origin)}\n"
    yield "| kernel | engine | verdict | why |\n| --- | --- | --- | --- |"
    for verdict in one.verdicts:
        sign = _SIGNS[TONES[verdict.word]]
        why = "; ".join(verdict.why)
        column = verdict.column
        yield (
            f"| {_plain(column.kernel)} | {_plain(column.engine)} | {sign} {verdict.word} "
            f"| {_plain(why)} |"
        )
    yield ""
    if one.broken:
        yield "## Demands that are not met\n"
        yield from (f"- {_plain(f'{item.place}: {item.message}')}" for item in one.broken)
        yield ""
    if one.facts:
        yield "| what | |\n| --- | --- |"
        yield from (f"| {_plain(name)} | {_plain(text)} |" for name, text in one.facts)
        yield ""
    if one.rows:
        yield "## Probes\n"
        yield "| probe | " + " | ".join(_plain(column.words) for column in one.columns) + " |"
        yield "|" + " --- |" * (1 + len(one.columns))
        for row in one.rows:
            cells = [row.cells.get(column, MISSING) for column in one.columns]
            words = (_plain(cell.word + (f" ({cell.why})" if cell.why else "")) for cell in cells)
            yield f"| {_plain(row.name)} | " + " | ".join(words) + " |"
        yield ""
    if one.findings:
        yield "## Findings\n"
        yield from (
            f"- {item.level}: {_plain(f'{item.place}: {item.message}')}" for item in one.findings
        )
        yield ""
    yield from (f"- {_plain(note)}" for note in one.notes)


def _plain(text: str) -> str:
    return escape(clean(text))


def html(found: Sequence[Validation], made: str = "") -> str:
    """All validations as one page of the lab's: no address outside it; reasons unfold.

    ``made`` says when and where they were made.
    """
    from markupsafe import Markup

    body = "\n".join(line for one in found for line in _html(one))
    return pages.page(
        "validation.html.j2",
        title="lab validate",
        blocks={},
        scripts=[pages.text("theme.js")],
        heading="Images on kernels and engines"
        if len(found) > 1
        else "Image on kernels and engines",
        made=made,
        body=Markup(body),  # noqa: S704 (each text in it went through _safe)
    )


def _html(one: Validation) -> Iterator[str]:
    yield f"<h2>{_safe(one.image)}</h2><p>{_safe(one.origin)}</p>"
    if one.verdicts:
        yield f'<p class="verdict">{_safe(_answer(one))}</p>'
    yield from _verdicts(one)
    if one.broken:
        yield "<h3>Demands that are not met</h3><ul>"
        yield from (
            f'<li class="bad">{_safe(f"{item.place}: {item.message}")}</li>' for item in one.broken
        )
        yield "</ul>"
    if one.facts:
        yield f"<h3>What it needs and holds</h3>{_card(f'facts of {one.image}')}<table><tbody>"
        for name, text in one.facts:
            yield f'<tr><th scope="row">{_safe(name)}</th><td>{_safe(text)}</td></tr>'
        yield "</tbody></table></div>"
    if one.rows:
        yield from _probes(one)
    noted = [f"{item.level}: {item.place}: {item.message}" for item in one.findings]
    if noted or one.notes:
        yield "<h3>Notes</h3><ul>"
        yield from (f"<li>{_safe(text)}</li>" for text in (*noted, *one.notes))
        yield "</ul>"


def _card(name: str) -> str:
    """The beginning of a table's place, which scrolls where it is too wide."""
    return f'<div class="card wide" tabindex="0" role="region" aria-label="{_safe(name)}">'


def _answer(one: Validation) -> str:
    """On how many pairs of kernel and engine it runs, and on which it does not."""
    words: dict[str, list[str]] = {}
    for verdict in one.verdicts:
        words.setdefault(verdict.word, []).append(verdict.column.words)
    parts = []
    for word, columns in words.items():
        few = len(columns) <= FEW
        where = ", ".join(columns) if few else f"{len(columns)} of {len(one.verdicts)}"
        parts.append(f"skipped: {where}" if word == "skipped" else f"{word} on {where}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _verdicts(one: Validation) -> Iterator[str]:
    """Rows kernels, columns engines."""
    engines = dict.fromkeys(column.engine for column in one.columns)
    found = {verdict.column: verdict for verdict in one.verdicts}
    head = "".join(
        f'<th scope="col">{"alone" if name == BARE else _safe(name)}</th>' for name in engines
    )
    yield f"{_card(f'verdicts on {one.image}')}<table>"
    yield f'<thead><tr><th scope="col">kernel</th>{head}</tr></thead><tbody>'
    for kernel in dict.fromkeys(column.kernel for column in one.columns):
        cells = []
        for engine in engines:
            verdict = found.get(Column(kernel, engine))
            word = "skipped" if verdict is None else verdict.word
            why = "" if verdict is None else "\n".join(verdict.why)
            cells.append(_td(Cell(word=word, tone=TONES[word], why=why)))
        yield f'<tr><th scope="row">{_broken(kernel)}</th>{"".join(cells)}</tr>'
    yield "</tbody></table></div>"


def _probes(one: Validation) -> Iterator[str]:
    """Rows probes, columns the engines of each kernel."""
    kernels: dict[str, int] = {}
    for column in one.columns:
        kernels[column.kernel] = kernels.get(column.kernel, 0) + 1
    names = (f'<th colspan="{count}">{_broken(name)}</th>' for name, count in kernels.items())
    engines = ("alone" if column.engine == BARE else column.engine for column in one.columns)
    yield f"<h3>Probes</h3>{_card(f'probes of {one.image}')}<table>"
    yield f"<thead><tr><th>kernel</th>{''.join(names)}</tr>"
    yield f"<tr><th>probe</th>{''.join(f'<th>{_safe(name)}</th>' for name in engines)}</tr></thead>"
    group = None
    for row in one.rows:
        if row.group != group:
            group = row.group
            yield f'<tr><th colspan="{1 + len(one.columns)}">{_safe(group)}</th></tr>'
        cells = "".join(_td(row.cells.get(column, MISSING)) for column in one.columns)
        yield f"<tr><td>{_safe(row.name)}</td>{cells}</tr>"
    yield "</table></div>"


def _broken(name: str) -> str:
    """A name that may be broken behind each of its commas."""
    return _safe(name).replace(",", ",<wbr>")


def _td(cell: Cell) -> str:
    word = _safe(cell.word)
    if cell.why:
        why = _safe(cell.why).replace("\n", "<br>")
        word = f"<details><summary>{word}</summary>{why}</details>"
    return f'<td class="{cell.tone}">{word}</td>'


def _safe(text: str) -> str:
    return html_escape(clean(text))
