"""Every form that a report can take, by its name on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.host.disk import write as write_file
from lab.model.record import Build, Run
from lab.report import compose, export, html, markdown, summary_picture, vega_renderer
from lab.report.model import Report
from lab.results.runs import StoredRun

FILES = {
    "html": "report.html",
    "md": "report.md",
    "json": "report.json",
    "csv": "report.csv",
    "junit": "report.junit.xml",
    "perfetto": "report.perfetto.json",
}


def render(kind: str, report: Report, builds: Sequence[Build], runs: Sequence[Run]) -> str:
    """A report in one of the FILES' forms."""
    causes = report.charts.causes
    match kind:
        case "html":
            return html.render(report.model, report.charts)
        case "md":
            drawn = summary_picture.spec(report.charts, report.model.headline) is not None
            return markdown.render(report.model, "report.svg" if drawn else None)
        case "json":
            return export.as_json(report, runs)
        case "csv":
            return export.as_csv(builds, causes)
        case "junit":
            return export.as_junit(report, builds, runs)
        case _:
            return export.as_perfetto(builds, causes)


def write(
    kinds: Sequence[str], folder: Path, report: Report, builds: Sequence[Build], runs: Sequence[Run]
) -> tuple[Path, ...]:
    """Write these forms into a folder; Markdown's picture lies beside it, as SVG and as PNG."""
    paths = [write_file(folder, FILES[kind], render(kind, report, builds, runs)) for kind in kinds]
    spec = summary_picture.spec(report.charts, report.model.headline) if "md" in kinds else None
    if spec is not None:
        paths.append(write_file(folder, "report.svg", vega_renderer.svg(spec)))
        paths.append(write_file(folder, "report.png", vega_renderer.png(spec)))
    return tuple(paths)


def write_defaults(stored: StoredRun) -> tuple[Path, ...]:
    """Write report.html and, for a pull request, report.md with its picture into a run's folder."""
    made = compose.from_run(stored)
    return write(("md", "html"), stored.folder, made, stored.builds, [stored.run])
