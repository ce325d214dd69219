"""A comparison as a piece of HTML for a notebook: the answer, and one table. Every foreign text is
escaped; there is no script in it.
"""

from __future__ import annotations

from html import escape

from lab.report.group_table import one_table, shared_count
from lab.report.model import ReportModel

ROWS = 40


def fragment(model: ReportModel) -> str:
    """The verdict in bold, the first rows of the one table, and what it leaves out."""
    parts = [f"<p><b>{escape(model.headline.verdict)}</b></p>"]
    parts += [f"<p>expectation broken: {escape(text)}</p>" for text in model.broken]
    if model.groups:
        grid, said = shared_count(one_table(model))
        head = "".join(f"<th>{escape(cell)}</th>" for cell in grid.head)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in grid.rows[:ROWS]
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
        more = len(grid.rows) - ROWS
        notes = [f"{more} more rows"] * (more > 0) + [said] * bool(said)
        parts += [f"<p>{escape(note)}</p>" for note in notes]
    return "\n".join(parts)
