"""Errors that a user can cause or meet, each with its cause, its next step and its exit code."""

from __future__ import annotations

from typing import ClassVar


class LabError(Exception):
    """Something the user can mend. The command line prints it and exits; nothing else catches it.

    ``message`` names the cause and the place, ``remedy`` the next step.
    """

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "the lab itself failed: please report it"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class InputError(LabError):
    """A scenario, a Dockerfile, an option or a record on disk says something that cannot be."""

    exit_code = 2
    meaning = "bad input: an option, a scenario, a Dockerfile or a stored run"


class ExpectationBroken(LabError):
    """A scenario's ``expect:`` did not hold. The run itself is complete."""

    exit_code = 3
    meaning = "an expectation of the scenario was broken"


class GateFailed(LabError):
    """A candidate is worse than its baseline by more than the policy allows."""

    exit_code = 4
    meaning = "the gate failed: the candidate is worse than its policy allows"


class GateCannotTell(LabError):
    """The figures allow neither pass nor fail, and the policy asks that this be reported."""

    exit_code = 5
    meaning = "the gate cannot tell; its policy says whether that counts as pass or fail"


class BuildsFailed(LabError):
    """At least one build failed; its record says why. The run is complete."""

    exit_code = 6
    meaning = "a build failed, for a reason in its Dockerfile or base"


class EngineUnavailable(LabError):
    """No engine answers at the endpoint, and none could be started."""

    exit_code = 7
    meaning = "an engine could not be reached or started"


class EngineLost(LabError):
    """An engine stopped answering in the middle of its work."""

    exit_code = 8
    meaning = "an engine was lost in the middle of a run"


class SourceError(LabError):
    """A base image, a toolchain or a package could not be had, or its checksum is wrong."""

    exit_code = 9
    meaning = "a base image or a toolchain could not be had"


class ImageNotFound(SourceError):
    """There is no image of the name that the command line gives."""


class DiskFull(LabError):
    """There is no space left where the lab or an engine writes."""

    exit_code = 10
    meaning = "a disk is full"


class StoreError(LabError):
    """The results folder cannot be written, or a run in it cannot be read."""

    exit_code = 11
    meaning = "the results folder cannot be written or read"


class MissingPrerequisite(LabError):
    """The host lacks something that the work needs and that the lab may not install."""

    exit_code = 12
    meaning = "the host lacks something: see lab doctor"


class VmBootFailed(LabError):
    """A kernel's guest did not come up, or did not come to its end in time."""

    exit_code = 13
    meaning = "a kernel did not boot, or its guest did not end in time"


class FindingsFound(LabError):
    """A Dockerfile has findings of the level that --fail-on names, or worse."""

    exit_code = 14
    meaning = "there are findings of the level that --fail-on names, or worse"


class Interrupted(LabError):
    """Ctrl-C or SIGTERM: the records so far are intact and the run can be resumed."""

    exit_code = 130
    meaning = "interrupted; `lab run --resume` goes on"


def exit_codes() -> dict[int, str]:
    """Every exit code and what it means, for ``lab --help`` and the tests."""
    codes = {0: "all went well"}
    kinds: list[type[LabError]] = [LabError]
    for kind in kinds:
        codes[kind.exit_code] = kind.meaning
        kinds.extend(kind.__subclasses__())
    return dict(sorted(codes.items()))
