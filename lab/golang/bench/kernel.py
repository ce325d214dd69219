"""What kernels answer to clone3 and memfd_secret: this host's, and distributions' in QEMU."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from lab.golang.bench.outcome import Fact, Outcome
from lab.golang.bench.sandbox import Say
from lab.model.errors import Interrupted, LabError
from lab.validate import kernels
from lab.validate.probes import results

CALLS = ("clone3", "memfd_secret")


def measure(*, names: Sequence[str], say: Say) -> Outcome:
    """Boot each named kernel (kernels.resolve) and ask it; "<name>/<call>" is its answer.

    What cannot be had or does not boot is missing. Raises that LabError where no kernel answers.
    """
    facts: dict[str, Fact] = {"this host's kernel": platform.release()}
    missing: dict[str, str] = {}
    failed: list[LabError] = []
    for name in names:
        label = name.partition(",")[0]
        try:
            say(f"booting kernel {name}")
            kernel = kernels.resolve(name, say=say)
            boot = kernels.boot(kernel)
        except Interrupted:
            raise  # of the whole command
        except LabError as error:
            failed.append(error)
            missing[label] = error.message.splitlines()[0]
            continue
        facts[f"{label}/version"] = kernel.version or "unknown"
        bare = next(one for one in boot.results if one.confinement == results.BARE)
        for call in CALLS:
            answer = bare.calls.get(call)
            facts[f"{label}/{call}"] = answer.word if answer else "unasked"
    if len(failed) == len(names) and failed:
        for another in failed[1:]:
            say(another.message)
        raise failed[0]
    return Outcome(
        experiment="kernel", settings={"kernels": list(names)}, facts=facts, missing=missing
    )
