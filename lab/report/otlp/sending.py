"""Spans, figures and log records sent to a collector by OTLP over HTTP.

The exporters are asked themselves, not a provider, whose `force_flush()` says True where a
collector answered 404. All is sent when a run has ended, beside the main thread: what does not
answer keeps nobody waiting for more than a second.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

ANSWER_S = 0.8  # for each batch; with what is to be done around it, a second
_BATCH = 512  # as the SDK's own processors send
_LOGGER = "opentelemetry"
_WHAT = {"traces": "spans", "metrics": "figures", "logs": "log records"}


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent of one signal: values of `spans`, `figures` or `logs` of this package,
    to ``endpoint``, or where the OTEL_ variables say.
    """

    signal: str
    values: Sequence[Any]
    endpoint: str | None = None
    trace_id: str = ""


def send_all(parcels: Sequence[Parcel]) -> Mapping[str, str]:
    """Send them in turn; of each signal that did not arrive, why.

    Where one had no answer in time, the others are not tried: together they may cost a second.
    """
    failures: dict[str, str] = {}
    for number, parcel in enumerate(parcels):
        start = monotonic()
        failed = send(parcel)
        if failed is None:
            continue
        failures[parcel.signal] = failed
        if monotonic() - start >= ANSWER_S / 2:
            failures |= {one.signal: "not tried after that" for one in parcels[number + 1 :]}
            break
    return failures


def send(parcel: Parcel) -> str | None:
    """Send one; why not all of it arrived, if so.

    What the collector has not taken within `ANSWER_S` counts as not arrived, and no more is sent.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_send, args=(parcel, answers), daemon=True).start()
    answers.get()  # the packages are imported and the values are made: that is no waiting
    for batch in range(0, len(parcel.values), _BATCH):
        try:
            failed = answers.get(timeout=ANSWER_S + 0.1)
        except queue.Empty:
            failed = f"no answer within {ANSWER_S} s"
        if failed is not None:
            return f"{batch} of {len(parcel.values)} {_WHAT[parcel.signal]} arrived: {failed}"
    return None


def _send(parcel: Parcel, answers: queue.SimpleQueue[str | None]) -> None:
    ready = False
    try:
        import requests

        from lab.report.otlp.exporters import exporter

        session = requests.Session()
        session.hooks["response"].append(_refuse_redirects)
        batches = [
            parcel.values[start : start + _BATCH] for start in range(0, len(parcel.values), _BATCH)
        ]
        export = exporter(parcel.signal, parcel.endpoint, ANSWER_S, session, parcel.trace_id)
        answers.put(None)
        ready = True
        with session, _heard() as said:
            for batch in batches:
                arrived = export(batch)
                answers.put(None if arrived else said[-1] if said else "the exporter failed")
                if not arrived:
                    return
    except Exception as error:  # noqa: BLE001 - of any kind, it is said at the run's end
        if not ready:
            answers.put(None)
        answers.put(f"{type(error).__name__}: {error}")


def _refuse_redirects(response: requests.Response, **_: object) -> None:
    """The exporters count all below 400 as success: also a gateway's way to its login page."""
    import requests

    if 300 <= response.status_code < 400:
        response.close()
        raise requests.TooManyRedirects(f"a redirect, {response.status_code}")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the SDK logs in this while: it tells why in no other way. Nothing of it is printed."""
    said: list[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, handler = logging.getLogger(_LOGGER), Heard(logging.ERROR)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
