"""`lab doctor`: what this host has and lacks, why that matters, and the command that fixes it.

`survey` only reads. `install` runs what it may: as root, with a package manager that it knows.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable

from lab.cli.prerequisites import APT_INSTALL, Finding, survey
from lab.host.process import found, pasteable, run, tail
from lab.model.errors import LabError, MissingPrerequisite
from lab.model.text_wrap import width, wrapped

__all__ = ["Finding", "install", "render", "survey"]

FINE = frozenset({"ok", "absent"})  # a control that is absent stops nothing
# Another installation may be under way, such as one of unattended upgrades.
APT_PATIENT = ("-o", "DPkg::Lock::Timeout=600")
APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


def install(say: Callable[[str], None], *, tests: bool = False) -> tuple[Finding, ...]:
    """Install what is missing and check once more; where the lab may not, say the commands instead.

    Raises MissingPrerequisite where a package could not be installed.
    """
    findings = survey(tests=tests)
    packages = tuple(dict.fromkeys(name for each in findings for name in each.packages))
    if not packages:
        say("the host has all that the lab needs")
        return findings
    commands = [("apt-get", "update"), (*APT_INSTALL, *packages)]
    if os.geteuid() != 0 or found("apt-get") is None:
        who = "root's to run" if found("apt-get") else "for Debian; here, install the same tools"
        say(f"nothing was changed; these commands are {who}:")
        for command in commands:
            say(f"  {pasteable(command)}")
        return findings
    say(f"installing {', '.join(packages)} (from this host's package archive)")
    try:
        run([*commands[0], *APT_PATIENT], environment=APT_ENVIRONMENT)
    except LabError as error:
        # One archive of several may be out of reach while the packages' own is not.
        say(f"warning: the package lists could not all be renewed: {tail(error.message, 1)}")
    run(
        [*commands[1], *APT_PATIENT],
        environment=APT_ENVIRONMENT,
        error=MissingPrerequisite,
        remedy="fix the cause above, then: lab doctor --install",
    )
    return survey(tests=tests)


def render(findings: tuple[Finding, ...]) -> str:
    """The findings as plain text of at most 80 columns; commands are broken so that they paste."""
    lines = []
    for finding in findings:
        head = f"{finding.state:<8} {finding.name:<12} "
        lines += _wrapped(finding.found, head)
        lines += _wrapped(finding.why, " " * 9)
        if finding.state not in FINE and finding.fix:
            lines += _command(finding.fix)
    short = [finding.name for finding in findings if finding.state not in FINE]
    fixable = any(finding.packages for finding in findings)
    lines.append("")
    if short:
        hint = "; `lab doctor --install` installs what is missing" if fixable else ""
        lines += _wrapped(f"To fix: {', '.join(short)}{hint}.", "")
    else:
        lines.append("The host has all that the lab needs.")
    return "\n".join(lines)


def _wrapped(text: str, head: str) -> list[str]:
    return wrapped(f"{head}{' '.join(text.split())}", hang=len(head))


def _command(text: str) -> list[str]:
    """Indented like the rest; broken at spaces with a backslash, so that a shell takes it whole."""
    lines = textwrap.wrap(text, width() - 13, break_long_words=False, break_on_hyphens=False)
    return [
        f"{' ' * 9}{'$' if number == 0 else ' '} {line}{' ' + chr(92) if more else ''}"
        for number, line in enumerate(lines)
        for more in [number + 1 < len(lines)]
    ]
