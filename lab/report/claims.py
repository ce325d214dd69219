"""The answers to a file of claims, as Markdown and as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.golang.bench.outcome import table
from lab.golang.claims.file_schema import ClaimsFile
from lab.golang.claims.verify import Session, Verified, this_host, to_json
from lab.host import disk
from lab.model import units
from lab.report import html as pages

TONES = {"reproduced": "good", "contradicted": "bad", "not reproduced": "limit"}


def write(session: Session) -> Path:
    """The reports of all answers so far, beside them; gives the page's path."""
    known: Mapping[str, Any] = {"host": this_host(), "quick": session.quick}
    claims, found, folder = session.claims, session.answers, session.folder
    disk.write(folder, "answers.json", disk.dump(to_json(claims, found), indent=1))
    disk.write(folder, "report.md", markdown(claims, found, **known))
    return disk.write(folder, "report.html", html(claims, found, **known))


def markdown(
    claims: ClaimsFile, found: Sequence[Verified], *, host: Mapping[str, str], quick: bool
) -> str:
    """Answers first, then each claim with its parts and what was measured."""
    lines = [f"# Claims put to the test: {claims.source.title}", ""]
    lines += [*_head(claims, host, quick), ""]
    lines += ["| claim | answer | parts |", "| --- | --- | --- |"]
    for one in found:
        lines.append(f"| [{one.claim.id}](#{one.claim.id}) | **{one.answer}** | {_parts(one)} |")
    for one in found:
        lines += ["", f"## {one.claim.id}", "", f"> {one.claim.says}", ""]
        lines += [f"**{one.answer}** ({_made(one)})", ""]
        lines += ["| part | claimed | measured | n | answer |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {_cell(part.part)} | {_cell(part.claimed)} | {_cell(part.measured)} "
            f"| {part.count or units.MISSING} | {part.answer} |"
            for part in one.findings
        ]
        rows = table(one.outcome)
        if len(rows) > 1:
            lines += ["", "| " + " | ".join(rows[0]) + " |", "| --- " * len(rows[0]) + "|"]
            lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows[1:]]
        lines += [f"- {name}: {value}" for name, value in one.outcome.facts.items()]
        lines += [f"- not measured: {name}: {why}" for name, why in one.outcome.missing.items()]
        lines += [f"- {note}" for note in one.outcome.notes]
    return "\n".join(lines) + "\n"


def html(
    claims: ClaimsFile, found: Sequence[Verified], *, host: Mapping[str, str], quick: bool
) -> str:
    """The same as one page that needs nothing beside itself."""
    return pages.page(
        "claims.html.j2",
        title=f"Claims put to the test: {claims.source.title}",
        blocks={},
        scripts=[pages.text("theme.js")],
        claims=claims,
        found=found,
        head=_head(claims, host, quick),
        tables={one.claim.id: table(one.outcome) for one in found},
        parts={one.claim.id: _parts(one) for one in found},
        made=_made,
        tones=TONES,
    )


def _made(one: Verified) -> str:
    return f"{one.claim.experiment}, {units.seconds(one.seconds)}, ended {one.ended}"


def _head(claims: ClaimsFile, host: Mapping[str, str], quick: bool) -> list[str]:
    said = "; ".join(f"{name} {value}" for name, value in claims.source.conditions.items())
    own = "; ".join(f"{name} {value}" for name, value in host.items())
    lines = [f"Claimed under: {said}." if said else "The source states no conditions."]
    lines.append(f"Measured on: {own}.")
    if quick:
        lines.append("A quick run: smaller projects and fewer rounds than the claims state.")
    return lines


def _parts(one: Verified) -> str:
    counts: dict[str, int] = {}
    for finding in one.findings:
        counts[finding.answer] = counts.get(finding.answer, 0) + 1
    return ", ".join(f"{count} {answer}" for answer, count in counts.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
