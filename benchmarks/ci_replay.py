"""Commits of a repository built on fresh engines, by turns with each cache strategy.

Run: ``python -m benchmarks.ci_replay REPOSITORY [--commits N] [--cache STRATEGY ...]``. Each job
restores what the job before it saved, and saves its own, as CI's do; the first of each strategy
restores nothing and does not count. The Dockerfile is the usual one of a Go program. What
`lab advise --ci` chooses is one of the strategies.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean

from lab.caching.git.objects import Repository
from lab.caching.replay.real_builds import context
from lab.dockerfile.context import Context
from lab.engines.protocol import ImageArchive
from lab.engines.registry import start_registry
from lab.images import opened
from lab.model.remote_cache import NOTHING, STRATEGIES, WARM
from tests.fresh_builds import Builds, built

ENGINE, DEFAULT = "docker@28/containerd", "registry-max"
DOCKERFILE = """\
FROM BASE AS build
WORKDIR /src
COPY go.mod go.sum* ./
RUN go mod download
COPY . .
RUN go build -o /out/ ./...
FROM BASE
COPY --from=build /out /usr/local/bin/
"""


def job_s(builds: Builds, strategy: str, files: Context, number: int) -> tuple[float, int]:
    """Seconds of one job, and the bytes that it moved."""
    tags = {} if strategy == NOTHING else {"save": f"job-{number}"}
    if number and tags:
        tags["restore"] = f"job-{number - 1}"
    text = DOCKERFILE.replace("BASE", builds.base.ref)
    with builds.place(ENGINE, strategy, **tags) as place:
        whole = files.with_file("Dockerfile", text.encode())
        made = built(place, text, whole, {}, kept=False)
    if made.outcome.status != "ok":
        raise SystemExit(f"{strategy}, job {number}: {made.outcome.reason}")
    remote = made.remote
    after = remote.export_s or 0.0 if remote and not remote.export_inside else 0.0
    moved = (remote.up_bytes or 0) + (remote.down_bytes or 0) if remote else 0
    return made.outcome.wall_s + after, moved


def main(argv: Sequence[str] | None = None) -> int:
    """Build, and print a table."""
    about = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.ci_replay")
    about.add_argument("repository", type=Path)
    about.add_argument("--commits", type=int, default=100)
    about.add_argument("--base", default="bookworm+go1.22.10", metavar="SUITE")
    known = [one for one in STRATEGIES if one != WARM]
    about.add_argument("--cache", action="append", choices=known)
    options = about.parse_args(argv)
    strategies = options.cache or [NOTHING, "inline", "stage-images", DEFAULT]
    took: dict[str, list[tuple[float, int]]] = {one: [] for one in strategies}
    base = opened.opened(options.base, say=print).archive
    assert isinstance(base, ImageArchive)
    with (
        closing(Repository(options.repository)) as repository,
        tempfile.TemporaryDirectory(prefix="lab-fresh-") as folder,
        start_registry(lambda _: None) as registry,
    ):
        builds = Builds(registry=registry, base=base, folder=Path(folder))
        for number, commit in enumerate(repository.commits(options.commits + 1)):
            files = context(repository, commit.tree)
            turns = strategies if number % 2 else [*reversed(strategies)]
            for strategy in turns:
                found = job_s(builds, strategy, files, number)
                print(f"{commit.id[:12]} {strategy} {found[0]:.1f} s", file=sys.stderr, flush=True)
                if number:
                    took[strategy].append(found)
    against = fmean(s for s, _ in took[DEFAULT]) if DEFAULT in took else float("nan")
    print("| cache | jobs | s a job (least to most) | against registry-max | MB a job |")
    print("| --- | --- | --- | --- | --- |")
    for strategy, jobs in took.items():
        seconds = [one for one, _ in jobs]
        moved = fmean(one for _, one in jobs) / 1e6
        spread = f"{fmean(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        ratio = fmean(seconds) / against
        print(f"| {strategy} | {len(jobs)} | {spread} | {ratio:.2f} | {moved:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
