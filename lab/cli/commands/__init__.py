"""The verbs: one module each, with ``options`` for its arguments and ``run`` for what it does.

Only the verb that was asked for is imported, and heavy packages only by the verb that uses them:
so `lab --help` stays fast.
"""

from __future__ import annotations

VERBS = {
    "run": "run a scenario and write its reports",
    "compare": "compare engines, runs, or values of an axis",
    "gate": "pass, fail, or cannot tell: a candidate against its baseline",
    "calibrate": "run a cell against itself: what this host's noise lets one see",
    "export": "a run as benchstat text, hyperfine JSON, CSV, Parquet or Prometheus text",
    "import": "make runs of builds that other tools recorded: build records, logs of CI jobs",
    "history": "the trend over all runs, and where it changed",
    "plan": "list a scenario's cells and what would be skipped",
    "render": "write the Dockerfiles that a scenario would build",
    "report": "make a run's reports again",
    "serve": "show the runs of a results folder in a browser on this machine",
    "explain": "say why steps were not cached",
    "validate": "say what images need, what of them cannot run, and where they run",
    "predict": "say what an edit would rebuild, without building",
    "replay": "predict every commit of a git history",
    "advise": "propose rewrites of a Dockerfile that save rebuilds",
    "schema": "print the JSON Schema of scenario files, or of claims files",
    "goroot": "install Go versions side by side and switch between them in one step",
    "verify": "put published claims to the test on this host",
    "trace": "count what a go command does with its GOROOT",
    "bench": "measure one thing about Go toolchains on this host",
    "doctor": "list what this host has and lacks",
}
