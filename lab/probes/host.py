"""The system calls of this host's own running kernel, asked without any confinement."""

from __future__ import annotations

from lab.probes import answers, compiled
from lab.probes.answers import ProbeResults
from lab.process import run


def on_host(*, timeout_s: float = 30) -> ProbeResults:
    """Ask the running kernel as the user who runs the lab. Harmless; raises HostLacks, LabError."""
    done = run([compiled.static(), "probe"], timeout_s=timeout_s)
    (results,) = answers.parse(done.out, what="this host's kernel")
    return results
