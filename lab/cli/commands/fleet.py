"""`lab fleet`: a scheduler, its workers, their certificates, and who is there."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.cli import arguments
from lab.cli.output import say


def options(verb: argparse.ArgumentParser) -> None:
    """Its parts and their arguments."""
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    scheduler = parts.add_parser("scheduler", help="where workers and runs meet; one a fleet")
    scheduler.add_argument(
        "address", nargs="?", default="127.0.0.1", metavar="HOST[:PORT]", help="listen there"
    )
    arguments.certificates(scheduler)
    _worker(parts.add_parser("worker", help="build on this host what a run asks for"))
    status = parts.add_parser("status", help="the workers, their facts, and what each does")
    status.add_argument("address", nargs="?", default="127.0.0.1", metavar="HOST[:PORT]")
    arguments.certificates(status)
    make = parts.add_parser("certificates", help="make an authority, and a certificate a member")
    make.add_argument("folder", type=Path, metavar="DIR")
    make.add_argument(
        "--for",
        dest="members",
        action="append",
        default=[],
        metavar="NAME",
        help="members (default: home, scheduler, worker); repeatable",
    )


def _worker(worker: argparse.ArgumentParser) -> None:
    worker.add_argument("address", nargs="?", default="127.0.0.1", metavar="HOST[:PORT]")
    worker.add_argument(
        "--name", metavar="NAME", help="what it is called (default: the host's name)"
    )
    worker.add_argument("--listen", metavar="HOST", help="its own address, as others reach it")
    worker.add_argument("--site", action="append", default=[], help="where it stands; repeatable")
    worker.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[@VERSION][=ENDPOINT]",
        help="an engine that it builds on (default: those installed); repeatable",
    )
    worker.add_argument(
        "--slots",
        type=arguments.positive,
        default=1,
        metavar="N",
        help="builds side by side; more than 1 disturb one another's times (default: 1)",
    )
    worker.add_argument(
        "--pace",
        type=float,
        default=0.0,
        metavar="X",
        help="seconds that a second of the simulated engine takes, to try a fleet (default: 0)",
    )
    arguments.certificates(worker)


def run(options: argparse.Namespace) -> int:
    """One part of it."""
    from lab.runner.fleet import require, security

    if options.part == "certificates":
        made = security.make(options.folder, options.members or security.ROLES)
        for folder in made:
            say(f"{folder}: for --certificates on one host; bring it there safely")
        say(f"{options.folder / 'ca.key'}: lets others in; keep it here")
        return 0
    require()
    where = security.place(options.address, options.certificates)
    if options.part == "status":
        return _status(where)
    from lab.runner.fleet import nodes

    if options.part == "scheduler":
        _serve(nodes.schedule(where, _said("the fleet's scheduler is at")))
    else:
        _serve(_work(where, options))
    return 0


def _work(where: Any, options: argparse.Namespace) -> Coroutine[Any, Any, None]:
    from lab.engines.named import endpoints
    from lab.host import paths
    from lab.runner.fleet import bench, facts, nodes

    named = endpoints(options.engine)
    told = facts.here(options.name, named or facts.installed(), options.site, options.slots)
    made = bench.Bench(
        paths.cache_dir() / "fleet" / told["name"],
        slots=options.slots,
        endpoints={name: address for name, address in named.items() if address},
        pace=options.pace,
    )
    ready = _said(f"worker {told['name']} is at")
    return nodes.work(where, made, told, host=options.listen, ready=ready, say=say)


def _said(what: str) -> Any:
    def ready(address: str) -> None:
        say(f"{what} {address} (Ctrl-C ends it)")
        sys.stdout.flush()

    return ready


def _serve(serving: Coroutine[Any, Any, None]) -> None:
    """Until Ctrl-C or SIGTERM; then it is let end in its own way."""

    async def until_ended() -> None:
        task = asyncio.ensure_future(serving)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await task

    with suppress(asyncio.CancelledError):
        asyncio.run(until_ended())
    say("ended")


def _status(where: Any) -> int:
    from lab.report import fleet
    from lab.runner.fleet.calls import Calls
    from lab.runner.fleet.lines import FAILURES

    with Calls(where) as calls:
        workers = calls.first()
        doing = {}
        for name, one in workers.items():
            with suppress(*FAILURES):
                doing[name] = calls.do(calls.ask(one["address"], "state"))
    fleet.show_workers(list(workers.values()), doing)
    return 0
