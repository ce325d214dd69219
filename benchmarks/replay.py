"""How many commits `lab replay` predicts a second on one core, and how much memory that takes.

    python -m benchmarks.replay [--commits N] [--files N]

A history is generated with `git fast-import`: a repository of so many files, each commit changing
a few of them, renames, binary files and merges among them. The first pass reads the objects, the
second one is measured: what issue 4 asks for. Memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lab.caching.replay import CommitPredictor, Replay, Repository, replay
from lab.dockerfile.cachekey import archive_rules

DOCKERFILE = (
    "FROM base AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\n"
    "COPY cmd cmd\nCOPY pkg pkg\nRUN go build ./...\nFROM base\n"
    "COPY --from=build /out /out\nCOPY . /all\nCMD /out/app\n"
)
IGNORE = "*.md\n.git\npkg/dir0/gen\n"


def main() -> None:
    """Generate, replay twice, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=5000)
    parser.add_argument("--files", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lab-replay-") as name:
        folder = Path(name)
        subprocess.run(["git", "init", "-q", "-b", "main", name], check=True)
        with subprocess.Popen(
            ["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE
        ) as importing:
            assert importing.stdin is not None
            for block in stream(options.commits, options.files):
                importing.stdin.write(block)
            importing.stdin.close()
        with closing(Repository(folder)) as repository:
            commits = list(repository.commits(None))
            print(f"{len(commits)} commits, {options.files} files, {os.cpu_count()} CPUs")
            for words in ("objects read for the first time", "objects read before"):
                predictor = CommitPredictor(repository, archive_rules("docker"))
                one = Replay(predictor=predictor, costs={"RUN go build ./...": 12.0})
                began = time.process_time()
                (total,) = replay([one], commits)
                spent = time.process_time() - began
                print(
                    f"  {words}: {len(commits) / spent:.0f} commits a CPU second, "
                    f"hit rate {total.hit_rate:.2f}"
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory {peak:.0f} MB")


def stream(commits: int, files: int) -> Iterator[bytes]:
    """The history in git's fast-import format."""
    rng = random.Random(1)
    paths = [f"pkg/dir{n % 40}/sub{n % 7}/f{n}.go" for n in range(files - 5)]
    paths += ["go.mod", "go.sum", "cmd/main.go", "README.md", "Dockerfile"]
    contents = {path: path.encode() for path in paths}
    contents["Dockerfile"] = DOCKERFILE.encode()
    changes = [*contents.items(), (".dockerignore", IGNORE.encode())]
    yield commit(1, "refs/heads/main", changes, b"")
    moved = 0
    for number in range(2, commits + 1):
        changed = [(rng.choice(paths), b"%d" % number) for _ in range(rng.randrange(1, 4))]
        if number % 50 == 0:
            changed.append(("go.sum", b"%d" % number))
        if number % 23 == 0:
            changed.append((f"pkg/dir{number % 40}/image.bin", rng.randbytes(200)))
        extra = b""
        if number % 31 == 0:
            extra = b"R pkg/dir1 pkg/moved\nR pkg/moved pkg/dir1\nC go.mod pkg/copy%d\n" % moved
            moved += 1
        if number % 40 == 0:
            side = commit(
                10**7 + number,
                "refs/heads/side",
                [("cmd/s.go", b"%d" % number)],
                b"",
                parent=number - 1,
            )
            yield side
            extra += b""
            yield commit(number, "refs/heads/main", changed, extra, merge=10**7 + number)
        else:
            yield commit(number, "refs/heads/main", changed, extra)


def commit(
    mark: int,
    branch: str,
    changes: list[tuple[str, bytes]],
    extra: bytes,
    parent: int | None = None,
    merge: int | None = None,
) -> bytes:
    """One commit of the stream."""
    out = b"commit %s\nmark :%d\ncommitter a <a@b> %d +0000\ndata 1\nx\n" % (
        branch.encode(), mark, 1_600_000_000 + 3600 * (mark % 10**7)
    )  # fmt: skip
    if parent is not None:
        out += b"from :%d\n" % parent
    if merge is not None:
        out += b"merge :%d\n" % merge
    for path, data in dict(changes).items():
        out += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
    return out + extra + b"\n"


if __name__ == "__main__":
    main()
