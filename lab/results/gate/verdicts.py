"""A gate's verdicts kept for a rollout: a small file for each image digest and commit.

A folder of them is what an admission webhook and a check in git answer from. A file is replaced
as a whole, and what cannot be read is no verdict: nothing passes by a mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.host.disk import write
from lab.model.errors import InputError
from lab.model.json_fields import known

SCHEMA = "lab.verdict/1"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SKEW = timedelta(minutes=5)
_LARGEST = 1 << 16
_OUTCOMES = {"fail": "failed it", "cannot tell": "could not tell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate said. ``subject`` is an image's digest or a commit, ``outcome`` "pass", "fail" or
    "cannot tell", ``decided`` a time of day in UTC.
    """

    subject: str
    outcome: str
    policy: str
    baseline: str
    candidate: str
    decided: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a subject may go on, and why not."""

    passes: bool
    why: str


def keep(folder: Path, verdicts: Iterable[Verdict]) -> list[Path]:
    """Write verdicts, each over an earlier one of its subject; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for verdict in verdicts:
        text = json.dumps({"schema": SCHEMA} | asdict(verdict), indent=2) + "\n"
        name = _name(verdict.subject)
        write(folder, name, text, "name another folder with --verdicts")
        made.append(folder / name)
    return made


def subject(text: str) -> str:
    """An image's digest, also out of a whole reference, or a commit. Raises InputError."""
    found = text.rpartition("@")[2]
    if DIGEST.fullmatch(found) or COMMIT.fullmatch(text):
        return found
    raise InputError(
        f"{text!r} is neither an image's digest nor a whole commit",
        remedy="such as registry.example/app@sha256:<64 hex digits>: a tag can be moved",
    )


def answer(folder: Path, asked: str, oldest: timedelta | None, now: datetime) -> Answer:
    """What the folder says of a subject. All but a pass that is not too old holds it up."""
    path = folder / _name(asked)
    try:
        found = _read(path, asked)
        age = now - datetime.fromisoformat(found.decided)
    except FileNotFoundError:
        return Answer(False, f"no gate has judged {asked}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Answer(False, f"the verdict of {asked} cannot be read: {error}")
    why = _objection(found, age, oldest)
    return Answer(not why, why or f"the gate passed {asked} at {found.decided}")


def _objection(found: Verdict, age: timedelta, oldest: timedelta | None) -> str:
    if age < -SKEW:
        return f"the verdict of {found.subject} is of {found.decided}, which is still to come"
    if found.outcome != "pass":
        said = _OUTCOMES.get(found.outcome, f"said {found.outcome!r}")
        return f"the gate {said}: {found.subject}, policy {found.policy}"
    if oldest is not None and age > oldest:
        return f"the verdict of {found.subject} is {age.days} days old"
    return ""


def _read(path: Path, asked: str) -> Verdict:
    """A verdict's file. Raises OSError, and what a file that is none makes of itself."""
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    record = json.loads(data) if len(data) <= _LARGEST else None
    if not isinstance(record, dict):
        raise TypeError("it is no verdict")
    schema = record.pop("schema")
    found = Verdict(**known(Verdict, record))
    if schema != SCHEMA or found.subject != asked:
        raise ValueError(f"it is {schema} of {found.subject}")
    return found


def decided_now() -> str:
    """The time of a verdict that is made now."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _name(subject_: str) -> str:
    """A file's name; `subject` has let nothing else in."""
    return f"{subject_.replace(':', '-')}.json"
