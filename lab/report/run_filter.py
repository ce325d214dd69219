"""Which runs of a list are asked for: words, a scenario, an engine, a branch, a verdict, a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from lab.report.formatting import one_line
from lab.report.run_rows import NO_VERDICT, UNREADABLE, Row
from lab.results import heads
from lab.results.stats import Verdict

CHOICES = 100  # of a list to choose from; words find the others
FIELDS = ("scenario", "engine", "branch", "verdict")
KINDS = (
    *(str(one) for one in Verdict), NO_VERDICT, "partial", "failed", "broken expectations",
    UNREADABLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a list's form says; empty text asks for nothing. ``wrong`` says what is no time."""

    words: str = ""
    chosen: Mapping[str, str]
    since: str = ""
    at: datetime | None = None
    wrong: str = ""

    @property
    def query(self) -> str:
        """The form's values as an address has them."""
        values = {"q": self.words, **self.chosen, "since": self.since}
        return urlencode({name: value for name, value in values.items() if value})


def asked(query: Mapping[str, Sequence[str]]) -> Asked:
    """What an address asks for; what it has beside that is passed over."""
    since = query.get("since", [""])[0].strip()
    chosen = {name: query.get(name, [""])[0] for name in FIELDS}
    words = query.get("q", [""])[0]
    try:
        at = heads.moment(since) if since else None
    except ValueError as error:
        return Asked(words=words, chosen=chosen, since=since, wrong=one_line(str(error)))
    return Asked(words=words, chosen=chosen, since=since, at=at)


def of(rows: Iterable[Row], asked: Asked) -> list[Row]:
    """The rows that all of it fits."""
    words = asked.words.lower().split()
    tests = [(name, value) for name, value in asked.chosen.items() if value]
    return [
        row
        for row in rows
        if all(word in row.words for word in words)
        and all(value in _values(row, name) for name, value in tests)
        and (asked.at is None or row.head.since(asked.at))
    ]


def choices(rows: Sequence[Row], asked: Asked) -> dict[str, list[str]]:
    """What can be chosen of each field: the values that runs have, those of most runs first."""
    found = {}
    for name in FIELDS:
        counts = Counter(value for row in rows for value in _values(row, name))
        most = [value for value, _ in counts.most_common(CHOICES)]
        if (value := asked.chosen[name]) and value not in most:
            most.append(value)
        found[name] = [kind for kind in KINDS if kind in most] if name == "verdict" else most
    return found


def _values(row: Row, name: str) -> Iterable[str]:
    head = row.head
    match name:
        case "scenario":
            return (head.scenario,) if head.scenario else ()
        case "engine":
            return head.engines
        case "branch":
            return (head.origin.branch,) if head.origin.branch else ()
        case _:
            return row.kinds
