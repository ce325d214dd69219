"""Delivery figures over deployments, a git history and runs: DORA's four, each with its interval.

What counts as what is written beside each figure, for two tools that name them alike seldom count
alike. Intervals: of a rate, Garwood's exact one of a Poisson count; of a share, Wilson's; of a
median, that of its order statistics. All at 95 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lab.host.git_history import Commit
from lab.results.stats import intervals, median_interval

DAY = 86_400.0
_FIX = re.compile(r"(?i)^(?:revert\b|roll ?back\b|hot ?fix\b|emergency fix\b)")
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment: its name (a tag, or a commit of the branch), and when it was."""

    name: str
    commit: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``value`` with its interval, of ``count`` cases; None where there is no case."""

    value: float | None
    interval: Interval
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The four figures: deployments a week, seconds from commit to deployment, the share of
    deployments that needed a fix, seconds until that was deployed. ``failed`` names those, with
    their fix where there is one by now. ``building_s`` are the seconds of runs of one commit, and
    ``building_share`` how much of a commit's lead time they are.
    """

    since: float
    until: float
    deployments: tuple[Deployment, ...]
    frequency: Figure
    lead_s: Figure
    failure_rate: Figure
    recovery_s: Figure
    failed: tuple[tuple[str, str | None], ...]
    building_s: Figure
    building_share: Figure


def delivery(
    deployments: Sequence[Deployment],
    commits: Sequence[Commit],
    building: Mapping[str, float],
    *,
    since: float,
    until: float,
) -> Delivery:
    """The figures of the deployments between two times, in seconds since 1970.

    ``deployments`` are all of the history, oldest first: what an earlier one had is not new.
    ``building`` are the seconds of the runs of a commit.
    """
    known = {one.id: one for one in commits}
    brought = _brought(deployments, known)
    chosen = [one for one in deployments if since <= one.at <= until]
    leads = {
        name: one.at - known[name].written
        for one in chosen
        for name in brought[one.name]
        if len(known[name].parents) < 2 and one.at >= known[name].written
    }
    failed = [
        (one, fix) for one in chosen if (fix := _fix(one, deployments, brought, known)) is not None
    ]
    recovered = [fix.at - one.at for one, fix in failed if fix.at <= until]
    shares = [building[name] / lead for name, lead in leads.items() if name in building and lead]
    weeks = (until - since) / (7 * DAY)
    return Delivery(
        since=since,
        until=until,
        deployments=tuple(chosen),
        frequency=_rate(len(chosen), weeks),
        lead_s=_middle(list(leads.values())),
        failure_rate=_share(len(failed), len(chosen)),
        recovery_s=_middle(recovered),
        failed=tuple((one.name, fix.name if fix.at <= until else None) for one, fix in failed),
        building_s=_middle([building[name] for name in leads if name in building]),
        building_share=_middle(shares),
    )


def _brought(
    deployments: Sequence[Deployment], known: Mapping[str, Commit]
) -> dict[str, list[str]]:
    """Deployment -> the commits that no earlier one had."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for one in deployments:
        new, waiting = [], [one.commit]
        while waiting:
            name = waiting.pop()
            if name in seen or name not in known:
                continue
            seen.add(name)
            new.append(name)
            waiting.extend(known[name].parents)
        found[one.name] = new
    return found


def _fix(
    one: Deployment,
    deployments: Sequence[Deployment],
    brought: Mapping[str, Sequence[str]],
    known: Mapping[str, Commit],
) -> Deployment | None:
    """The later deployment that takes back what this one brought, or right after it a hot fix."""
    own = brought[one.name]
    later = deployments[[each.name for each in deployments].index(one.name) + 1 :]
    for place, other in enumerate(later):
        for name in brought[other.name]:
            commit = known[name]
            if any(mine.startswith(taken) for taken in commit.reverts for mine in own):
                return other
            if place == 0 and not commit.reverts and _FIX.match(commit.subject):
                return other
    return None


def _rate(count: int, weeks: float) -> Figure:
    low, high = intervals.of_count(count)
    return Figure(value=count / weeks, interval=(low / weeks, high / weeks), count=count)


def _share(count: int, of: int) -> Figure:
    if not of:
        return Figure(value=None, interval=None, count=0)
    return Figure(value=count / of, interval=intervals.of_share(count, of), count=of)


def _middle(values: Sequence[float]) -> Figure:
    if not values:
        return Figure(value=None, interval=None, count=0)
    return Figure(value=median(values), interval=median_interval(sorted(values)), count=len(values))
