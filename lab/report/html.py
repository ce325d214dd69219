"""The report as one HTML file that asks for nothing from anywhere and runs no script but its own.

Every foreign text is escaped: in markup by the template, in the page's data as JSON without "<".
The page's own scripts are named by their digests in its Content-Security-Policy, so that even a
text that found a way round the escaping would not be run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from lab.report import fresh_caches, vega_renderer, vega_specs
from lab.report.chart_data import ChartData
from lab.report.chart_payload import packed
from lab.report.formatting import one_line
from lab.report.group_table import axes, one_table, shared_count
from lab.report.model import CacheAnswer, ReportModel

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPTS = ("theme.js", "data.js", "charts.js", "page.js")
Cells = Sequence[tuple[str, float | str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the results: its places in the chart data, and its cells with keys to sort by."""

    group: int
    phase: int
    column: int
    cells: Cells


def render(model: ReportModel, charts: ChartData) -> str:
    """The report as a page that stands alone."""
    data = packed(charts)
    results = list(_results(model, data))
    specs = _specs(tuple(data["columns"]), tuple(data["phases"])) if results else {}
    return page(
        "report.html.j2",
        title=f"{model.title}: lab report",
        blocks={"data": data, "specs": specs} if results else {},
        scripts=[vega_renderer.script(), *map(text, SCRIPTS)] if results else [],
        model=model,
        results=results,
        caches=[_with_one_count(one) for one in model.caches],
        cache_notes=fresh_caches.NOTES,
        head=one_table(model).head,
        name_at=len(axes(model.groups)) + 1,  # the columns' names come behind the phase's
        bar=bar,
        colours=dict(zip(data["columns"], column_colours(len(data["columns"])), strict=True)),
        axis=data["axis"],
        phases=list(enumerate(data["phases"])),
        columns=list(enumerate(data["columns"])),
        outcomes=[(name, name) for name in vega_specs.OUTCOMES],
        axes=_boxes(model),
    )


def _with_one_count(one: CacheAnswer) -> CacheAnswer:
    """With the count of builds said once: so ten columns fit on a laptop's screen."""
    grid, said = shared_count(one.grid)
    return replace(one, grid=grid, notes=(said, *one.notes)) if said else one


def page(
    template: str,
    *,
    title: str,
    blocks: Mapping[str, Any],
    scripts: Sequence[str],
    connect: str = "'none'",
    form: str = "'none'",
    **values: Any,
) -> str:
    """A page of the lab's: a template, JSON for its scripts, and a policy that allows no others."""
    from markupsafe import Markup

    together = ["\n".join(scripts)] if scripts else []
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()) for one in together]
    allowed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action {form}"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=policy,
            style=Markup(text("page.css")),  # noqa: S704 (the lab's own file)
            blocks=[(name, Markup(embedded(value))) for name, value in blocks.items()],  # noqa: S704 (escaped)
            scripts=[Markup(one) for one in together],  # noqa: S704 (the lab's own and Vega's)
            **values,
        )
    )


def embedded(value: Any) -> str:
    """JSON that no parser of HTML takes for markup."""
    said = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char, escape in {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}.items():
        said = said.replace(char, escape)
    return said.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def column_colours(count: int) -> list[str]:
    """The colours of columns, as the charts have them."""
    names = vega_specs.COLUMNS
    return [vega_specs.PAGE[names[place % len(names)]] for place in range(count)]


def bar(cell: str) -> tuple[str, str]:
    """A cell in its two parts: what counts, and in brackets the spread."""
    head, bracket, rest = cell.partition(" (")
    return head, bracket.strip() + rest


@cache
def text(name: str) -> str:
    """A file of the page's, as it is."""
    from importlib.resources import files

    return files("lab.report").joinpath("page", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("lab.report", "page"),
        autoescape=True,  # by name it would depend on the template's file ending
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["line"] = one_line
    return made


@cache
def _specs(columns: tuple[str, ...], phases: tuple[str, ...]) -> dict[str, Any]:
    drawn = {
        "heat": vega_specs.heat_map(vega_specs.PAGE, columns, phases),
        "wall": vega_specs.intervals(vega_specs.PAGE, "seconds", columns),
        "saved": vega_specs.intervals(vega_specs.PAGE, "share", columns),
        "size": vega_specs.intervals(vega_specs.PAGE, "bytes", columns),
        "waterfall": vega_specs.waterfall(vega_specs.PAGE),
    }
    return {
        name: vega_renderer.compiled(vega_specs.chart(spec, vega_specs.PAGE))
        for name, spec in drawn.items()
    }


def _results(model: ReportModel, data: Mapping[str, Any]) -> Iterator[Row]:
    apart = axes(model.groups)
    for place, group in enumerate(model.groups):
        own = [(group.cell.get(name, ""), group.cell.get(name, "")) for name in apart]
        for row, keys in zip(group.phases.rows, group.phases.keys, strict=True):
            phase = data["phases"].index(row[0])
            column = data["columns"].index(row[1])
            cells = [(row[0], phase), *zip(row[1:], keys[1:], strict=True)]
            yield Row(group=place, phase=phase, column=column, cells=[*own, *cells])


def _boxes(model: ReportModel) -> list[tuple[str, list[tuple[str, str]]]]:
    """The axes that set groups apart, with their values."""
    found = []
    for name in axes(model.groups):
        values = dict.fromkeys(group.cell.get(name, "") for group in model.groups)
        found.append((name, [(value, value or "none") for value in values]))
    return found
