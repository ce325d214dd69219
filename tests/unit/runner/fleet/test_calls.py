"""Which way home asks a worker, and what an unanswered question says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.runner.fleet.calls import Calls, Gone, NotKnown
from lab.runner.fleet.lines import Unreached
from lab.runner.fleet.security import place

WORKER = "tcp://127.0.0.1:1"


class Net:
    """In place of connections: what of the fleet can be reached, and what the scheduler tells."""

    def __init__(self) -> None:
        self.scheduler: Mapping[str, Any] | None = {"answer": {"by": "scheduler"}}
        self.direct = True
        self.asked: list[str] = []

    async def ask(self, url: str, message: Mapping[str, Any], _: float) -> dict[str, Any]:
        self.asked.append(message["op"])
        if url == WORKER and self.direct:
            return {"by": "itself"}
        if url == WORKER or self.scheduler is None:
            raise Unreached(url)
        return dict(self.scheduler)

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    made = Net()

    async def opened(_: Calls) -> Net:
        return made

    monkeypatch.setattr(Calls, "_opened", opened)
    return made


@pytest.fixture
def calls(net: Net) -> Iterator[Calls]:
    with Calls(place("127.0.0.1", None)) as calls:
        yield calls


def ask(calls: Calls) -> str:
    return str(calls.do(calls.ask(WORKER, "state"))["by"])


def test_a_worker_that_answers_needs_no_scheduler(calls: Calls, net: Net) -> None:
    net.scheduler = None
    assert ask(calls) == "itself"
    assert net.asked == ["lab-state"]


def test_one_out_of_reach_is_asked_through_the_scheduler(calls: Calls, net: Net) -> None:
    net.direct = False
    assert [ask(calls), ask(calls)] == ["scheduler", "scheduler"]
    assert net.asked == ["lab-state", "lab-pass", "lab-pass"], "and then at once"
    net.direct, net.scheduler = True, None
    assert ask(calls) == "itself"


@pytest.mark.parametrize(
    ("met", "told", "expected"),
    [
        (False, None, NotKnown),  # nobody but the scheduler can say whether it lives
        (True, None, Unreached),  # it answered home before, and does not
        (False, {"unknown": True}, NotKnown),  # the scheduler has just begun
        (True, {"unknown": True}, Unreached),
        (False, {"silent": "timed out"}, Unreached),
        (False, {"gone": True}, Gone),
        (True, {"gone": True}, Gone),
    ],
)
def test_what_no_answer_says(
    calls: Calls, net: Net, met: bool, told: Mapping[str, Any] | None, expected: type[OSError]
) -> None:
    if met:
        ask(calls)
    net.direct, net.scheduler = False, told
    with pytest.raises(expected) as found:
        ask(calls)
    assert found.type is expected
