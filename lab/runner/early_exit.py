"""Whatever ends a run early is written into its head, with how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from lab.host import signals
from lab.host.standard_streams import OutputLost
from lab.model.errors import DiskFull, InputError, Interrupted, LabError
from lab.model.record import Run
from lab.results import store


@contextmanager
def record_early_exit(writer: store.Writer, before: Run | None) -> Iterator[None]:
    """Whatever ends a run early is written into its head before it goes on its way.

    A run ``before`` more rounds that were refused stays as it was, and a new one that was refused
    leaves no folder: there is nothing in it to resume, and `latest` would name it.
    """
    try:
        yield
    except InputError:
        if before is not None:
            status, reason, finished = before.status, before.reason, before.finished
            writer.amend(replace(writer.run, status=status, reason=reason, finished=finished))
        elif writer.new:
            writer.discard()
        raise
    except (KeyboardInterrupt, OutputLost) as stop:
        signals.settle()
        kind, why = _why(stop)
        text = f"{why}; what was built so far is in {writer.folder}"
        raise _ended(writer, kind(text), why) from None
    except LabError as error:
        if before is None and writer.empty:
            writer.discard()  # it never began: the next start is another run
        else:
            _ended(writer, error, error.message)
        raise


def _why(stop: KeyboardInterrupt | OutputLost) -> tuple[type[LabError], str]:
    if isinstance(stop, KeyboardInterrupt):
        return Interrupted, f"stopped by {stop}"
    if stop.unread:
        return Interrupted, "nobody reads on"
    return DiskFull, f"writing its output: {stop.strerror}"


def _ended(writer: store.Writer, error: LabError, reason: str) -> LabError:
    """Write down why the run ends, and tell how to go on with it."""
    with suppress(LabError), signals.shielded():  # on a full disk the first error is the news
        writer.finish("partial", reason=reason)
    if not isinstance(error, InputError):  # a scenario that must be mended makes another run
        resume = f"lab run --resume {shlex.quote(str(writer.folder))}"
        error.remedy = f"{error.remedy}, then {resume}" if error.remedy else resume
    return error
