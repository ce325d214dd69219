"""The runs of a folder as `lab serve` lists them: each is read once, and again when it changes.

What its builds come to is in the index beside the runs (lab.results.index), what its comparison
says too; that takes longer, so of many new runs it is read while the list is shown already.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from lab.model import units
from lab.model.errors import InputError
from lab.report import compose
from lab.report.formatting import one_line
from lab.report.headline import headline
from lab.results import figures, heads, index, runs
from lab.results.figures import Summary
from lab.results.heads import Head

AT_ONCE = 20  # runs whose comparison is read before the list is shown
BATCH = 200  # that are read between two looks at the list
NO_VERDICT = "nothing compared"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the list: clean text, and what it is found by.

    ``kinds`` are its verdict and status as the filter names them, ``answer`` the verdict in a
    sentence: None while it is not known. ``words`` are all its text in small letters.
    """

    link: str
    head: Head
    started: str = ""
    wall: str = ""
    hits: str = ""
    builds: int = 0
    answer: str | None = None
    kinds: frozenset[str] = frozenset()
    words: str = ""

    @property
    def trend(self) -> str:
        """The path of its scenario's trend."""
        return quote(self.head.scenario, safe="")


def _verdict(folder: Path) -> index.Row:
    """What a run's comparison says. Raises InputError where it cannot be read."""
    stored = runs.read(folder)
    table = compose.table_of(stored)
    said = headline(table, stored.builds, [stored.run])
    return {"answer": said.answer, "verdicts": sorted({str(one) for one in said.verdicts})}


VERDICTS = index.Kind(name="verdict", version=1, make=_verdict)


class Rows:
    """The rows of one folder, for as long as a server goes on."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._known = index.Known()
        self._signs: Mapping[str, index.Sign] = {}
        self._rows: dict[str, Row] = {}
        self._ordered: tuple[Row, ...] = ()
        self._unread: dict[str, index.Sign] = {}
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None
        self._closed = threading.Event()

    def all(self) -> tuple[Row, ...]:
        """Every run, the newest first, as the files are now."""
        with self._lock:
            signs = index.signs(self._results)
            if signs != self._signs:
                self._look(signs)
            if len(self._unread) <= AT_ONCE:
                self._judge(self._unread)
            elif self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._read_verdicts, daemon=True)
                self._reader.start()
            return self._ordered

    @property
    def unread(self) -> int:
        """The runs whose verdict is not known yet."""
        return len(self._unread)

    def close(self) -> None:
        """Let the reader come to its end."""
        self._closed.set()
        if self._reader is not None:
            self._reader.join()

    def _look(self, signs: Mapping[str, index.Sign]) -> None:
        """Read what is new; the lock is held."""
        new = {name: sign for name, sign in signs.items() if self._signs.get(name) != sign}
        some = len(new) < len(signs) and len(signs) >= index.FEW
        found = heads.heads(self._results, self._known, at=new, some=some)
        summaries = figures.summaries(self._results, self._known, at=new, some=some)
        kept = index.kept(self._results, VERDICTS, self._known, at=new)
        rows = {name: row for name, row in self._rows.items() if name in signs}
        for head in found:
            rows[head.folder.name] = _row(head, summaries[head.folder.name])
        self._rows, self._signs = rows, signs
        self._unread = {
            name: sign
            for name, sign in ({**self._unread, **new}).items()
            if name in rows and rows[name].answer is None and name not in kept
        }
        for name, told in kept.items():
            self._rows[name] = _judged(rows[name], told)
        self._order()

    def _order(self) -> None:
        at = {name: row.head.started for name, row in self._rows.items()}
        names = sorted(self._rows, key=lambda name: (at[name], name), reverse=True)
        self._ordered = tuple(self._rows[name] for name in names)

    def _judge(self, some: Mapping[str, index.Sign]) -> None:
        """Read the verdicts of some runs; the lock is held."""
        if not some:
            return
        for name, told in self._verdicts(some).items():
            if name in self._rows:
                self._rows[name] = _judged(self._rows[name], told)
        self._unread = {name: sign for name, sign in self._unread.items() if name not in some}
        self._order()

    def _verdicts(self, some: Mapping[str, index.Sign]) -> dict[str, index.Row | InputError]:
        many = len(self._signs) >= index.FEW
        return index.rows(self._results, VERDICTS, self._known, at=some, some=many)

    def _read_verdicts(self) -> None:
        """Read the verdicts of all runs, the newest first; what it has is shown in between."""
        while not self._closed.is_set():
            with self._lock:
                waiting = sorted(
                    self._unread, key=lambda name: self._rows[name].head.started, reverse=True
                )
                batch = {name: self._unread[name] for name in islice(waiting, BATCH)}
                if not batch:
                    return
            self._verdicts(batch)  # read without the lock, and then found in memory
            with self._lock:
                self._judge(batch)


def _row(head: Head, summary: Summary | InputError) -> Row:
    link = quote(head.folder.name)
    if head.unreadable or isinstance(summary, InputError):
        why = head.unreadable or (summary.message if isinstance(summary, InputError) else "")
        said = f"{UNREADABLE}: {one_line(why, 200)}"
        row = Row(link=link, head=head, answer=said, kinds=frozenset({UNREADABLE}))
        return replace(row, started=_clock(head.started), words=_words(row))
    builds = summary.builds if head.builds is None or head.status == "partial" else head.builds
    row = Row(
        link=link,
        head=head,
        started=_clock(head.started),
        wall=_wall(summary),
        hits=_hits(summary),
        builds=builds,
        answer=None if summary.builds else "no builds",
        kinds=frozenset(_states(head)),
    )
    return replace(row, words=_words(row))


def _states(head: Head) -> list[str]:
    """What the filter calls a run's end, where there is something to say of it."""
    found = [head.status] if head.status != "complete" else []
    return [*found, "broken expectations"] if head.broken else found


def _judged(row: Row, told: index.Row | InputError) -> Row:
    if isinstance(told, InputError):
        answer = f"{UNREADABLE}: {one_line(told.message, 200)}"
        judged = replace(row, answer=answer, kinds=row.kinds | {UNREADABLE})
    else:
        kinds = told["verdicts"] or [NO_VERDICT]
        judged = replace(row, answer=told["answer"], kinds=row.kinds | set(kinds))
    return replace(judged, words=_words(judged))


def _wall(summary: Summary) -> str:
    """The median of builds; of several cells and phases the least and the most of them."""
    medians = [one[0] for one in summary.of("wall") if one is not None]
    if not medians:
        return units.MISSING
    low, high = units.seconds(min(medians)), units.seconds(max(medians))
    return low if low == high else f"{low} \u2013 {high}"


def _hits(summary: Summary) -> str:
    needed = summary.hits + summary.misses
    return units.percent(summary.hits / needed) if needed else units.MISSING


def _words(row: Row) -> str:
    head = row.head
    origin = head.origin
    texts = [
        head.folder.name, head.name, head.scenario, head.status, *head.engines, row.started,
        origin.commit, origin.branch, origin.change, origin.ci, origin.job, row.answer, *row.kinds,
    ]  # fmt: skip
    return one_line(" ".join(text for text in texts if text), 2000).lower()


def _clock(started: str) -> str:
    """A time as people read it, to the second."""
    day, t, clock = one_line(started).partition("T")
    zone = "UTC" if clock.endswith(("Z", "+00:00")) else ""
    return f"{day} {clock[:8]} {zone}".rstrip() if t and zone else one_line(started)
