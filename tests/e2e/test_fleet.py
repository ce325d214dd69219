"""A fleet as its user has it: a scheduler, two workers and runs, each a process, over TLS."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Desk, Ended
from tests.fleets import LAB, Fleet

# A second of real time a build: the workers below let the simulated engine take its time.
SLOW = "RUN sleep 0.6\nRUN sleep 0.4\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet.open(tmp_path_factory.mktemp("fleet"), ("one", "two")) as fleet:
        yield fleet


def run(desk: Desk, fleet: Fleet, *more: str) -> Ended:
    return desk.lab("run", "tried.yaml", *fleet.words, "--quiet", *more)


def seen(builds: list[dict[str, Any]]) -> dict[str, Any]:
    """What a build says but for times: by id, its status and each step's outcome."""
    return {
        one["id"]: (
            one["status"],
            [(step["instruction"], step["outcome"]) for step in one["steps"]],
        )
        for one in builds
    }


def test_a_fleet_records_what_one_host_does(desk: Desk, fleet: Fleet) -> None:
    desk.scenario("RUN echo here\n", "simulated", bases=["bookworm", "trixie"])
    assert run(desk, fleet).code == 0
    over_fleet, head = desk.builds(), desk.head()
    assert {one["name"] for one in head["hosts"]} == {"one", "two"}
    assert {one["attempt"] for one in over_fleet} == {1}
    assert len({one["host"] for one in over_fleet}) == 1, "what is compared shares a host"
    (desk.folder / "results").rename(desk.folder / "before")
    assert desk.lab("run", "tried.yaml", "--quiet").code == 0
    alone = desk.builds()
    assert seen(over_fleet) == seen(alone)
    assert len(over_fleet) == len(alone) == 4


def test_cells_go_where_their_facts_hold(desk: Desk, fleet: Fleet) -> None:
    where = {"site": "site-t*", "kernel": ">=3", "engine": "simulated@1"}
    desk.scenario("RUN echo here\n", "simulated", where=where)
    assert run(desk, fleet).code == 0
    assert {one["host"] for one in desk.builds()} == {"two"}
    shown = desk.lab("plan", "tried.yaml", *fleet.words)
    assert shown.code == 0
    assert re.search(r"bookworm.* two\s*$", shown.out, re.MULTILINE)
    assert "one" not in shown.out


def test_what_nobody_can_build_is_said_at_once(desk: Desk, fleet: Fleet) -> None:
    desk.scenario("RUN echo here\n", "simulated", where={"kernel": ">=99"})
    ended = run(desk, fleet)
    assert ended.code == 2
    kernel = os.uname().release
    assert f"one: kernel is {kernel}, asked for: >=99" in ended.err
    assert "two: kernel is" in ended.err
    assert not list(desk.folder.glob("results/*")), "no run has begun"
    planned = desk.lab("plan", "tried.yaml", *fleet.words)
    assert planned.code == 2
    assert ">=99" in planned.out


def test_a_killed_workers_build_is_a_record_and_done_elsewhere(desk: Desk, fleet: Fleet) -> None:
    desk.scenario(SLOW, "simulated", phases=["cold"], rounds=3)
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/builds.jsonl")) and desk.builds())
        (lost,) = {one["host"] for one in desk.builds()}
        fleet.kill(lost)
        _, err = going.communicate(timeout=60)
    fleet.worker(lost)
    other = {"one": "two", "two": "one"}[lost]
    assert going.returncode == 0, err
    told = [(one["round"], one["status"], one["host"], one["attempt"]) for one in desk.builds()]
    assert told == [
        (1, "ok", lost, 1),
        (2, "engine-lost", lost, 1),
        (2, "ok", other, 2),
        (3, "ok", other, 1),
    ]
    (warning,) = desk.head()["warnings"]
    assert f"built on {lost}, those from here on on {other}" in warning


def test_a_stopped_workers_late_result_is_refused(desk: Desk, fleet: Fleet) -> None:
    desk.scenario(SLOW, "simulated", phases=["cold"], rounds=2, where={"host": "one"})
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/builds.jsonl")) and desk.builds())
        os.kill(fleet.members["one"].pid, signal.SIGSTOP)  # its builder goes on, unseen
        desk.wait_for(lambda: len(desk.builds()) == 2, seconds=20)
        os.kill(fleet.members["one"].pid, signal.SIGCONT)
        _, err = going.communicate(timeout=60)
    assert going.returncode == 0, err
    told = [(one["round"], one["status"], one["attempt"]) for one in desk.builds()]
    assert told == [(1, "ok", 1), (2, "engine-lost", 1), (2, "ok", 2)]


def test_at_most_the_attempts_that_a_scenario_allows(desk: Desk, fleet: Fleet) -> None:
    desk.scenario(SLOW, "simulated", phases=["cold"], rounds=2, attempts=1)
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/builds.jsonl")) and desk.builds())
        name = desk.builds()[0]["host"]
        builder = fleet.builders()[name]
        time.sleep(0.4)  # the second build is under way
        os.kill(builder, signal.SIGKILL)  # one bad build costs a builder, and no worker
        _, err = going.communicate(timeout=60)
    assert going.returncode != 0
    assert "lost 1 build, the first" in err
    _, told = desk.builds()
    assert (told["status"], told["host"], told["attempt"]) == ("engine-lost", name, 1)
    assert fleet.members[name].poll() is None


def test_a_killed_home_loses_nothing(desk: Desk, fleet: Fleet) -> None:
    desk.scenario(SLOW, "simulated", phases=["cold"], rounds=4)
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/builds.jsonl")) and desk.builds())
        going.kill()
        going.communicate()
    time.sleep(1.3)  # what was going on ends at the worker while nobody is home
    resumed = desk.lab("run", "--resume", "latest", *fleet.words, "--quiet")
    assert resumed.code == 0, resumed.err
    builds = desk.builds()
    assert sorted(one["round"] for one in builds) == [1, 2, 3, 4]
    assert {one["status"] for one in builds} == {"ok"}
    without = desk.lab("run", "--resume", "latest")
    assert without.code == 2
    assert "--fleet" in without.err


def test_a_run_outlives_its_scheduler(desk: Desk, fleet: Fleet) -> None:
    desk.scenario(SLOW, "simulated", phases=["cold"], rounds=4)
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(desk.folder.glob("results/*/builds.jsonl")) and desk.builds())
        fleet.kill("scheduler")  # for good, as far as this run is concerned
        _, err = going.communicate(timeout=60)
    before = {name: fleet.joins(name) for name in ("one", "two")}
    fleet.start("scheduler", "scheduler")
    desk.wait_for(lambda: all(fleet.joins(name) > then for name, then in before.items()))
    assert going.returncode == 0, err
    told = [(one["round"], one["status"], one["attempt"]) for one in desk.builds()]
    assert told == [(number, "ok", 1) for number in (1, 2, 3, 4)]


def test_ctrl_c_ends_the_build_where_it_is_made(desk: Desk, fleet: Fleet) -> None:
    desk.scenario("RUN sleep 60\n", "simulated", phases=["cold"], rounds=1)
    with desk.start("run", "tried.yaml", *fleet.words, "--quiet") as going:
        desk.wait_for(lambda: any(fleet.builders()))
        os.killpg(going.pid, signal.SIGINT)
        going.communicate(timeout=20)
    assert going.returncode == 130
    desk.wait_for(lambda: not fleet.builders(), seconds=10)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a member of another fleet."""
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([*LAB, "fleet", "certificates", "keys"], cwd=folder, check=True)
    return folder / "keys/home"


def context(trusts: Path, member: Path | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=trusts)
    made.check_hostname = False
    if member is not None:
        made.load_cert_chain(member / "cert.pem", member / "key.pem")
    return made


def answer(address: str, to: ssl.SSLContext | None) -> bytes:
    """What a member says to whoever connects; none where it hangs up."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        try:
            if to is None:
                plain.sendall(bytes(8))
                return plain.recv(1)
            with to.wrap_socket(plain) as safe:
                return safe.recv(1)
        except (ssl.SSLError, ConnectionError):
            return b""


@pytest.mark.parametrize("member", ["scheduler", "one"])
def test_only_its_own_members_get_an_answer(fleet: Fleet, foreign: Path, member: str) -> None:
    address, keys = fleet.addresses[member], fleet.folder / "keys"
    assert answer(address, context(keys / "ca.pem", keys / "home")), "a member is greeted"
    assert not answer(address, None), "without TLS"
    assert not answer(address, context(keys / "ca.pem", None)), "without a certificate"
    assert not answer(address, context(keys / "ca.pem", foreign)), "with another authority's"


def test_a_stranger_is_told_what_to_bring(desk: Desk, fleet: Fleet, foreign: Path) -> None:
    ended = desk.lab("fleet", "status", fleet.address, "--certificates", str(foreign))
    assert ended.code == 7
    assert "--certificates" in ended.err
    bare = desk.lab("fleet", "status", "192.0.2.1")
    assert bare.code == 2
    assert "lab fleet certificates" in bare.err


def test_a_replayed_message_is_refused(fleet: Fleet) -> None:
    """What was once sent, byte for byte, by whoever could record it on the line."""
    keys = fleet.folder / "keys"
    host, _, port = fleet.addresses["one"].rpartition(":")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = context(keys / "ca.pem", keys / "home").wrap_bio(incoming, outgoing)
    said: list[bytes] = []

    def pass_on(line: socket.socket) -> None:
        if outgoing.pending:
            said.append(outgoing.read())
            line.sendall(said[-1])

    with socket.create_connection((host, int(port)), timeout=5) as line:
        greeted = b""
        while not greeted:
            try:
                greeted = talk.read(1)
            except ssl.SSLWantReadError:
                pass_on(line)
                incoming.write(line.recv(1 << 16))
    assert greeted
    assert said
    with socket.create_connection((host, int(port)), timeout=5) as line:
        heard = b""
        line.sendall(b"".join(said))
        while piece := _received(line):
            heard += piece
    # The last record is an alert (2 bytes, type and tag: RFC 8446, 5.2 and 6), and it hangs up.
    assert heard[-24:-19] == b"\x17\x03\x03\x00\x13", heard[-40:]


def _received(line: socket.socket) -> bytes:
    try:
        return line.recv(1 << 16)
    except ConnectionError:
        return b""


def talked(fleet: Fleet, member: str, message: dict[str, Any]) -> Any:
    """What a member answers to a message, by dask.distributed's own connection."""
    from distributed import Security
    from distributed.comm import connect

    keys = fleet.folder / "keys"
    safe = Security(  # type: ignore[no-untyped-call] # it has no types
        tls_ca_file=str(keys / "ca.pem"),
        tls_client_cert=str(keys / "home/cert.pem"),
        tls_client_key=str(keys / "home/key.pem"),
        require_encryption=True,
    )

    async def ask() -> Any:
        arguments = safe.get_connection_args("client")
        comm = await connect(f"tls://{fleet.addresses[member]}", **arguments)
        try:
            await comm.write(message)
            return await asyncio.wait_for(comm.read(), 5)
        finally:
            comm.abort()

    return asyncio.run(ask())


def test_a_member_answers_nothing_but_what_builds_need(fleet: Fleet) -> None:
    told = talked(fleet, "one", {"op": "lab-state"})
    assert told == {"run": None, "doing": ()}
    refused = {"error": "nothing of this name is answered here"}
    for asked in ("run", "plugin_add", "get_data", "gather", "identity", "echo"):
        assert talked(fleet, "one", {"op": asked}) == refused, asked
    for asked in ("broadcast", "gather", "register_scheduler_plugin", "register-client", "feed"):
        assert talked(fleet, "scheduler", {"op": asked}) == refused, asked


@pytest.mark.parametrize(
    ("member", "kind"),
    [("scheduler", "ToPickle"), ("one", "ToPickle"), ("one", "to_serialize")],
)
def test_what_is_pickled_is_not_read(fleet: Fleet, member: str, kind: str) -> None:
    from distributed import protocol

    op = "lab-workers" if member == "scheduler" else "lab-state"
    assert "error" not in talked(fleet, member, {"op": op})
    refused = talked(fleet, member, {"op": op, "value": getattr(protocol, kind)({1, 2})})
    assert "pickled objects are refused" in refused["error"]
