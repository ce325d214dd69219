"""The commands: one module each, with ``options`` for its arguments and ``run`` for what it does.

Only the command that was asked for is imported, and heavy packages only by the one that uses them:
so `lab --help` stays fast.
"""

from __future__ import annotations

GROUPS = {
    "ask a Dockerfile, nothing is built": {
        "why": "say why a rebuild misses: since the last commit, or between two",
        "advise": "propose rewrites of a Dockerfile that save rebuilds",
        "predict": "say what an edit would rebuild",
        "context": "write down what a build sends; of two machines, say why one misses",
        "replay": "predict every commit of a git history",
    },
    "measure": {
        "run": "run a scenario, or a Dockerfile as it is, and write the reports",
        "compare": "compare engines, runs, or values of an axis",
        "fleet": "join machines to one fleet: scheduler, workers, certificates",
        "calibrate": "run a cell against itself: what this host's noise lets one see",
    },
    "read what was measured": {
        "explain": "say why steps were not cached",
        "cost": "say what each instruction of a Dockerfile costs, slowest first",
        "diagnose": "say why builds failed or became slow, by what their steps printed",
        "report": "make a run's reports again",
        "serve": "show the runs of a results folder in a browser on this machine",
        "metrics": "the runs' figures for Prometheus, alert rules of a policy, a Grafana dashboard",
        "import": "make runs of builds that other tools recorded: build records, logs of CI jobs",
        "export": "a run as benchstat text, hyperfine JSON, CSV, Parquet or Prometheus text",
    },
    "judge": {
        "gate": "pass, fail, or cannot tell: a candidate against its baseline",
        "rollout": "let an image or a commit on only where the gate passed it: Kubernetes, git",
        "delivery": "how often and how fast changes are deployed, and how often they fail",
        "history": "the trend over all runs, and where it changed",
    },
    "images": {
        "validate": "say what images need, what of them cannot run, and where they run",
    },
    "scenario files": {
        "new": "write a scenario for a Dockerfile of yours, with comments",
        "plan": "list a scenario's cells and what would be skipped",
        "render": "write the Dockerfiles that a scenario would build",
        "schema": "print the JSON Schema of scenario files, or of claims files",
    },
    "Go toolchains": {
        "goroot": "install Go versions side by side and switch between them in one step",
        "verify": "put published claims to the test on this host",
        "trace": "count what a go command does with its GOROOT",
        "bench": "measure one thing about Go toolchains on this host",
    },
    "this host and this shell": {
        "doctor": "list what this host has and lacks",
        "completion": "print what makes a shell complete the lab's words",
    },
}
"""What people come to do -> command -> its purpose: the order of `lab --help`."""

VERBS = {name: purpose for group in GROUPS.values() for name, purpose in group.items()}
