"""What the lab costs beside a bare request: a fully cached rebuild, and `lab --help`.

A rebuild through the lab is all that `lab run` does for one: context made and sent, stream
decoded, image inspected, record on disk. The bare one is the same HTTP request sent by curl, its
context ready in a file. Both are taken in turn, so that the machine's moods hit both.
Run: ``python -m benchmarks.overhead`` (the figures of the last run: benchmarks/README.md).
"""

from __future__ import annotations

import contextlib
import random
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import requests

from lab.engines import open_engine
from lab.engines.protocol import Engine
from lab.host import facts
from lab.images.sources import base_images
from lab.model.events import Raw
from lab.model.record import Run
from lab.results import store
from lab.runner import runner
from lab.scenario import plan
from lab.scenario.build_inputs import Images
from lab.scenario.loader import load
from lab.scenario.model import Scenario

ROUNDS = 31
ENGINES = ("docker", "docker-classic", "podman")
SCENARIO = Path("scenarios/layer-cache.yaml")


def main() -> None:
    """Print both tables."""
    scenario = load(SCENARIO)
    base = base_images.base(scenario.bases[0], say=print)
    images = Images(
        base=base, toolchain=base_images.with_toolchain(base, scenario.toolchains[0], say=print)
    )
    print("| engine | rebuilds | lab, ms | curl, ms | ratio, median | its quartiles |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ENGINES:
        with (
            contextlib.closing(open_engine(name, private=True)) as engine,
            tempfile.TemporaryDirectory() as folder,
        ):
            pairs = list(rebuilds(scenario.with_engines([name]), images, engine, Path(folder)))
        print(f"| {name} | {len(pairs)} {_row(pairs)}")
    print("\n| command | times | it, ms | `python3 -c pass`, ms | ratio, median | its quartiles |")
    print("| --- | --- | --- | --- | --- | --- |")
    pairs = list(helps())
    print(f"| lab --help | {len(pairs)} {_row(pairs)}")


def rebuilds(
    scenario: Scenario, images: Images, engine: Engine, folder: Path
) -> Iterator[tuple[float, float]]:
    """Seconds of each rebuild through the lab and of the same request by curl."""
    trial = plan.trials(scenario, lambda _: images, plan.project(scenario))[0]
    phases = [plan.Phase(name=f"rebuild-{number:03}") for number in range(ROUNDS + 1)]
    trial = replace(trial, phases=(plan.Phase(name="cold", cold=True), *phases))
    context, socket = folder / "context.tar", engine.facts().endpoint.removeprefix("unix://")
    with (
        contextlib.closing(trial.built_from.inputs.full_context().archive()) as archive,
        archive.open() as stream,
        context.open("wb") as file,
    ):
        shutil.copyfileobj(stream, file)
    run = Run(
        id="overhead",
        status="partial",
        scenario=scenario.as_run,
        host=facts.facts(folder),
        engines=(),
        seed=1,
        started="",
        lab="",
    )
    with noted_builds() as urls, store.create(folder / "results", run) as writer:
        events = runner.run((trial,), lambda _: engine, labels={"io.imagelab.run": "overhead"})
        coin = random.Random(1)
        bare: float | None = None
        start = perf_counter()
        for event in events:
            match event:
                case Raw(at=at, data=data):
                    writer.raw(at, data)
                case runner.BuildStarted(build_id=build_id):
                    writer.begin(build_id)
                case runner.BuildFinished(build=build, dockerfile=text):
                    writer.append(build, text)
                    taken = perf_counter() - start
                    assert build.status == "ok", build.reason
                    if build.phase != "cold":
                        assert build.cache.rate == 1.0, build
                        if build.phase != phases[0].name:  # the first one warms up
                            yield taken, curl(socket, urls[-1], context) if bare is None else bare
                        # Which of a pair goes first is left to chance.
                        bare = curl(socket, urls[-1], context) if coin.random() < 0.5 else None
                    start = perf_counter()
                case _:
                    pass


@contextlib.contextmanager
def noted_builds() -> Iterator[list[str]]:
    """Notes the address of every build request that this process sends."""
    urls: list[str] = []
    send = requests.Session.send

    def noting(
        session: requests.Session, request: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        if urlsplit(request.url or "").path.endswith("/build"):
            urls.append(request.url or "")
        return send(session, request, **how)

    requests.Session.send = noting  # type: ignore[method-assign]  # put back below
    try:
        yield urls
    finally:
        requests.Session.send = send  # type: ignore[method-assign]  # its own again


def curl(socket: str, url: str, context: Path) -> float:
    """Seconds of the request by curl: another name for the image, all else the same."""
    address = urlsplit(url)
    query = re.sub(r"rebuild-\d+", f"curl-{secrets.token_hex(4)}", address.query)
    command = [
        "curl", "--silent", "--show-error", "--fail", "--output", "/dev/null",
        "--unix-socket", socket, "--request", "POST", "--header", "Expect:",
        "--header", "Content-Type: application/x-tar", "--upload-file", str(context),
        f"http://d{address.path}?{query}",
    ]  # fmt: skip
    start = perf_counter()
    subprocess.run(command, check=True)
    return perf_counter() - start


def helps() -> Iterator[tuple[float, float]]:
    """Seconds of `lab --help` and of an interpreter that does nothing."""
    lab = Path(sys.executable).with_name("lab")
    for _ in range(ROUNDS):
        yield _timed([str(lab), "--help"]), _timed([sys.executable, "-c", "pass"])


def _timed(command: list[str]) -> float:
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def _row(pairs: list[tuple[float, float]]) -> str:
    ratios = [one / other for one, other in pairs]
    low, _, high = statistics.quantiles(ratios, n=4)
    ones, others = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    return f"| {ones:.1f} | {others:.1f} | {statistics.median(ratios):.2f} | {low:.2f}-{high:.2f} |"


if __name__ == "__main__":
    main()
