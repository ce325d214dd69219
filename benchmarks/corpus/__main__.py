"""Public Dockerfiles, which lie in a folder, through the lab's verbs: `make corpus`.

    python -m benchmarks.corpus FOLDER
    python -m benchmarks.corpus FOLDER --build docker@28 [--most 60]
    python -m benchmarks.corpus FOLDER --rewrites docker@28 [--most 60]

The folder holds what dockerfiles.tsv lists, as FOLDER/owner/name/path: a clone of each repository
at its commit is that. The second form foretells ten edits of each and builds them, with a made-up
context and bases whose every program prints a random number; the third builds the rewrites that
`lab advise` offers.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

from benchmarks.corpus.listed import Listed, there


def main() -> int:
    """Read, verify the digests, ask; 1 where something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", metavar="ENGINE", help="foretell edits, and build them")
    parser.add_argument("--rewrites", metavar="ENGINE", help="build what advise offers")
    parser.add_argument("--most", type=int, default=60, help="of so many Dockerfiles")
    parser.add_argument("--only", default="", help="those whose repository and path match this")
    options = parser.parse_args()
    found, wrong = there(options.folder)
    found = [(one, text) for one, text in found if re.search(options.only, one.name)]
    for line in wrong:
        print(line)
    print(f"{len(found)} Dockerfiles of {len({one.repository for one, _ in found})} repositories")
    if options.build or options.rewrites:
        found.sort(key=lambda pair: pair[0].sha256)  # some of all repositories
    if options.build:
        from benchmarks.corpus.foretold import foretold

        return foretold(found, options.build, options.most)
    if options.rewrites:
        from benchmarks.corpus.rewritten import rewritten

        return rewritten(found, options.rewrites, options.most)
    return _verbs(found) or (1 if wrong else 0)


def _verbs(found: list[tuple[Listed, str]]) -> int:
    """Count tracebacks, wrong refusals and wrong answers by verb."""
    from benchmarks.corpus.verbs import answers

    counts: Counter[tuple[str, str]] = Counter()
    faults = 0
    for one, text in found:
        for answer in answers(text):
            what = "answered" if answer.code == 0 else "refused, and Docker too"
            if answer.traceback or (answer.code != 0 and one.accepted):
                what = "traceback" if answer.traceback else "refused, but Docker does not"
                faults += 1
                print(f"{one.name}: {answer.verb}: {answer.traceback or answer.words[:400]}")
            elif answer.code == 0 and not one.accepted:
                what = "answered, but Docker refuses"
            counts[answer.verb, what] += 1
    print("| verb | what | Dockerfiles |\n| --- | --- | --- |")
    for (verb, what), count in sorted(counts.items()):
        print(f"| {verb} | {what} | {count} |")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
