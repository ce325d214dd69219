"""`lab delivery`: how often and how fast changes reach users, and how often they fail there."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import arguments
from lab.cli.output import print_json, print_lines
from lab.model.errors import InputError, LabError

if TYPE_CHECKING:
    from lab.host.git_history import Commit
    from lab.results.delivery import Deployment


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    verb.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="default: here")
    verb.add_argument("--branch", default="HEAD", help="what is deployed; default: HEAD")
    verb.add_argument(
        "--tags",
        metavar="PATTERN",
        help="a deployment is a tag such as 'v*'; default: each commit or merge of the branch",
    )
    verb.add_argument("--days", type=arguments.positive, default=90, metavar="N")
    verb.add_argument("--json", action="store_true", help="print as JSON")
    arguments.results(verb)


def run(options: argparse.Namespace) -> int:
    """Show the figures."""
    from lab.host import git_history
    from lab.report import delivery as report
    from lab.results.delivery import DAY, delivery

    commits = git_history.commits(options.repo, options.branch)
    what = f"tags {options.tags}" if options.tags else f"commits and merges of {options.branch}"
    deployments = _deployments(options, commits)
    until = datetime.now(UTC).timestamp()
    since = until - options.days * DAY
    if not any(since <= one.at <= until for one in deployments):
        raise InputError(
            f"no deployment in {options.days} days: {what}",
            remedy="more days with --days, or say by --tags or --branch what a deployment is",
        )
    found = delivery(deployments, commits, _building(options.results), since=since, until=until)
    if options.json:
        print_json(report.as_json(found))
    else:
        print_lines(report.text(found, what))
    return 0


def _deployments(options: argparse.Namespace, commits: list[Commit]) -> list[Deployment]:
    from lab.host import git_history
    from lab.results.delivery import Deployment

    if options.tags:
        known = {one.id for one in commits}
        tags = git_history.tags(options.repo, options.tags)
        return [
            Deployment(name=one.name, commit=one.commit, at=one.at)
            for one in tags
            if one.commit in known
        ]
    by_id = {one.id: one for one in commits}
    line, at = [], commits[0].id if commits else None
    while at in by_id:  # the first parents: what was merged came to users with its merge
        one = by_id[at]
        line.append(Deployment(name=one.id[:12], commit=one.id, at=one.at))
        at = one.parents[0] if one.parents else None
    return line[::-1]


def _building(results: Path) -> dict[str, float]:
    """Commit -> the seconds of its runs in the results folder."""
    from lab.results import heads, runs

    found: dict[str, float] = {}
    for head in heads.heads(results) if results.is_dir() else ():
        if head.origin.commit is None or not head.built:
            continue
        with suppress(LabError, ValueError, TypeError):  # a head is damaged, or a time in it
            run = runs.head(head.folder)
            if run.finished:
                begun, ended = map(datetime.fromisoformat, (run.started, run.finished))
                seconds = (ended - begun).total_seconds()
                found[head.origin.commit] = found.get(head.origin.commit, 0.0) + seconds
    return found
