"""Times of day as records have them: UTC, to the millisecond below."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """This moment."""
    return _text(datetime.now(UTC))


def time_of_day(seconds: float) -> str:
    """A moment in seconds since 1970."""
    return _text(datetime.fromtimestamp(seconds, UTC))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
