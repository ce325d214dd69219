"""Go's action graph: what one `go build` did for each package, when, and what it had to wait for.

`go build -debug-actiongraph=FILE` writes it as JSON (cmd/go/internal/work/action.go, actionJSON).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action. Times are seconds since the first; ``ran`` says that a program ran for it."""

    number: int
    mode: str
    package: str
    deps: tuple[int, ...]
    start_s: float
    end_s: float
    user_s: float
    system_s: float
    ran: bool

    @property
    def lasted_s(self) -> float:
        return self.end_s - self.start_s


def read(text: str) -> tuple[Action, ...]:
    """The actions that were carried out. Raises InputError where it is not an action graph."""
    try:
        found = [item for item in json.loads(text) if _time(item, "TimeDone") is not None]
        begun = min((_time(item, "TimeStart") or 0.0 for item in found), default=0.0)
        return tuple(
            Action(
                number=int(item["ID"]),
                mode=str(item["Mode"]),
                package=str(item.get("Package", "")),
                deps=tuple(map(int, item.get("Deps") or ())),
                start_s=(_time(item, "TimeStart") or begun) - begun,
                end_s=(_time(item, "TimeDone") or begun) - begun,
                user_s=item.get("CmdUser", 0) / 1e9,
                system_s=item.get("CmdSys", 0) / 1e9,
                ran=bool(item.get("Cmd")),
            )
            for item in found
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"this is not an action graph of Go: {error!r}",
            remedy="name the file that `go build -debug-actiongraph` wrote",
        ) from error


def critical_path(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The chain of actions that had to follow one another and lasted longest, first to last."""
    known = {action.number: action for action in actions}
    best: dict[int, tuple[float, int | None]] = {}
    for number in _in_order(known):
        before = max(
            ((best[dep][0], dep) for dep in known[number].deps if dep in known), default=(0.0, None)
        )
        best[number] = (before[0] + known[number].lasted_s, before[1])
    chain: list[Action] = []
    step = max(best, key=lambda number: best[number][0], default=None)
    while step is not None:
        chain.append(known[step])
        step = best[step][1]
    return tuple(reversed(chain))


def compiled(actions: Sequence[Action], *, of_std: bool) -> tuple[str, ...]:
    """The packages that a compiler ran for; of the standard library, or the others.

    A package of the standard library has no dot in the first part of its path.
    """
    return tuple(
        sorted(
            action.package
            for action in actions
            if action.mode == "build"
            and action.ran
            and ("." not in action.package.split("/")[0]) == of_std
        )
    )


def _in_order(known: Mapping[int, Action]) -> list[int]:
    """Numbers so that what is needed stands before what needs it; no recursion: chains are long."""
    done: dict[int, None] = {}
    for root in known:
        stack = [(root, False)]
        while stack:
            number, opened = stack.pop()
            if number in done or number not in known:
                continue
            if opened:
                done[number] = None
                continue
            stack.append((number, True))
            stack.extend((dep, False) for dep in known[number].deps)
    return list(done)


def _time(item: Mapping[str, object], name: str) -> float | None:
    text = item.get(name)
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    # Nanoseconds are more digits than datetime takes.
    head, _, rest = text.partition(".")
    digits = "".join(char for char in rest if char.isdigit() or char in "+-Z:")
    zone = next((digits[place:] for place, char in enumerate(digits) if char in "+-Z"), "Z")
    fraction = digits[: len(digits) - len(zone)][:6].ljust(6, "0")
    moment = f"{head.rstrip('Z')}.{fraction}{'+00:00' if zone == 'Z' else zone}"
    return datetime.fromisoformat(moment).timestamp()
