"""What a reader must know to read a comparison right: its footnotes, each with its remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from lab.model import cell_names, units
from lab.model.record import Build
from lab.results.comparison_verdicts import Asked
from lab.results.stats import Comparison, Verdict
from lab.results.table import Footnote, Group, PhaseRows, measures


def failures(builds: Sequence[Build]) -> Iterator[Footnote]:
    """The builds that gave no figures, and why."""
    bad = [build for build in builds if build.status != "ok"]
    bad.sort(key=lambda b: (b.status, sorted(b.cell.items()), b.reason or ""))
    for (status, cell, reason), same in groupby(
        bad, key=lambda b: (b.status, cell_names.full(b.cell), b.reason or "no reason given")
    ):
        found = list(same)
        if status == "skipped":
            yield Footnote(kind="skipped", text=f"skipped: {cell}: {reason}")
        else:
            phases = ", ".join(dict.fromkeys(b.phase for b in found))
            yield Footnote(
                kind="failed", text=f"{status}: {cell}, {phases} (builds: {len(found)}): {reason}"
            )


def doubts(groups: Sequence[Group], baseline: str | None) -> Iterator[Footnote]:
    """What was left out of the figures, and what the figures cannot say."""
    rows = [rows for group in groups for rows in group.phases]
    count = sum(measure.count for measure in measures(groups))
    disturbed = sum(measure.disturbed for measure in measures(groups))
    if disturbed and baseline is not None:
        yield Footnote(
            kind="disturbed",
            text=f"{disturbed} of {count} builds were disturbed: they are shown, but kept "
            "out of ratios and verdicts, whose n counts the rounds left; `lab compare --run RUN "
            "--with-degraded` takes them in",
        )
    if baseline is not None:
        yield from _one_sided(groups)
        for row in rows:
            yield from _unpaired(row, baseline)
    if any(not any(step.outcomes) for row in rows for step in row.steps):
        yield Footnote(
            kind="metadata",
            text="FROM has no outcome, and BuildKit reports nothing for instructions that only "
            "change metadata (ENV, ARG, LABEL, CMD ...): such steps are not listed",
        )


def _one_sided(groups: Sequence[Group]) -> Iterator[Footnote]:
    """The cells that one column alone has."""
    alone = [cell for group in groups for cell in [_only_column(group)] if cell is not None]
    if alone:
        names = ", ".join(dict.fromkeys(alone))
        yield Footnote(
            kind="unpaired",
            text=f"{len(alone)} of {len(groups)} groups of cells are in one column only ({names}): "
            "nothing stands beside them",
        )


def _only_column(group: Group) -> str | None:
    having = {m.column for rows in group.phases for m in rows.measures if m.count or m.failed}
    return having.pop() if len(having) == 1 else None


def _unpaired(row: PhaseRows, baseline: str) -> Iterator[Footnote]:
    """The columns without a ratio, where disturbed builds are not what they lack."""
    if not any(one.count or one.failed for one in row.measures if one.column == baseline):
        return  # `_one_sided` tells of it, or the failures do
    left_out = {one.column for one in row.measures if one.count == one.disturbed > 0}
    for measure in row.measures:
        compared = measure.column == baseline or measure.ratio or not measure.count
        if not compared and not left_out & {measure.column, baseline}:
            yield Footnote(
                kind="unpaired",
                text=f"{row.phase}: {measure.column} has no round in common with {baseline}",
            )


def alone(found: Sequence[Comparison]) -> str:
    """Why a ratio is undecided whose own interval leaves no change out; empty: none is."""
    apart = [
        one
        for one in found
        if one.verdict is Verdict.UNDECIDED
        and one.interval is not None
        and not one.interval[0] <= 1 <= one.interval[1]
    ]
    if not apart:
        return ""
    return (
        f"undecided, though the interval leaves no change out: {len(apart)}; an interval holds by "
        f"itself, the verdicts of all {len(found)} comparisons hold together, which takes more "
        "rounds"
    )


def _machine(open_: Sequence[Comparison]) -> Iterator[Footnote]:
    """What of the machine keeps comparisons open: how far apart it takes equal rounds to be."""
    found = [(one.interval[1] / one.interval[0], one.margin) for one in open_ if one.interval]
    widths = [width for width, margin in found if width > 1 + margin]  # else rounds are too few
    if widths:
        share = (max(widths) ** 0.5 - 1) * 100
        yield Footnote(
            kind="undecided",
            text="undecided because of this machine: equal builds differ from round to round, so "
            f"that one ratio is known to ±{share:.2g} % only; a quieter machine needs fewer rounds "
            "(docs/fitness.md)",
        )


def verdicts(groups: Sequence[Group], asked: Asked) -> Iterator[Footnote]:
    """How the verdicts were found, and what the undecided ones would take."""
    found = [one for measure in measures(groups) if (one := measure.versus)]
    if not found:
        return
    first = found[0]
    sequential = ""
    if asked.looks is not None:
        from lab.results.stats.sequential import EARLY

        sequential = (
            f"; a sequential test, because it was examined after every round from "
            f"{asked.looks.first} to at most {asked.looks.last}: up to round {EARLY} by paired "
            "t-tests"
        )
    yield Footnote(
        kind="method",
        text=f"verdicts: faster or slower by a signed-rank test of the rounds' ratios, same within "
        f"{asked.margin * 100:g} % by two one-sided ones, wrong in at most "
        f"{(1 - first.confidence) * 100:.3g} % of tables: corrected by Holm for {len(found)} "
        f"comparisons{sequential}; an interval holds its own ratio at {first.confidence * 100:g} %",
    )
    few = [one for one in found if one.interval is None]
    if few:
        yield Footnote(
            kind="few",
            text=f"n = {min(one.count for one in few)} in places: too few rounds for an interval "
            f"at {first.confidence * 100:g} %, which takes 6 or more (rounds: in the scenario)",
        )
    open_ = [one for one in found if one.verdict is Verdict.UNDECIDED]
    if said := alone(found):
        yield Footnote(kind="undecided", text=said)
    yield from _machine(open_)
    needed = [one.needed_rounds for one in open_ if one.needed_rounds is not None]
    if needed:
        yield Footnote(
            kind="undecided",
            text=f"undecided: {len(open_)} of {len(found)}; about "
            f"{units.counted(max(needed), 'more round')} would "
            f"decide {'it' if len(needed) == 1 else 'each of them'} (an estimate from the rounds "
            "so far)",
        )
    if len(needed) < len(open_):
        yield Footnote(
            kind="undecided",
            text=f"for {len(open_) - len(needed)} of the undecided the rounds that they would take "
            "cannot be estimated: too few rounds so far, or more than anybody would run",
        )
