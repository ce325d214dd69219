"""How fast a report of many builds is written, how large it is, and how fast it answers a filter.

    python benchmarks/report_speed.py [--builds 10000] [--repeats 3]

Prints JSON. Targets for 10,000 builds: written in 10 s, 10 MB, a filter answered in 200 ms. Writing
is a process of its own, from reading the run's records to the file on disk; a filter's time runs
from the change of a box to two frames after the table and every chart on the screen are drawn, in
Debian's chromium, once at the table and once at the charts. Every build has its manifest, of twenty
steps and a hundred files, and every step that ran its cause in the page.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from lab.dockerfile import parser as dockerfile
from lab.dockerfile.cachekey import make
from lab.dockerfile.context import Context
from lab.host.process import found
from lab.model.events import Outcome
from lab.model.record import Build, Cache, HostFacts, Image, Run, ScenarioText, Step
from lab.results import store

ENGINES, BASES = ("docker", "podman"), tuple(f"base{number}" for number in range(5))
LAYOUTS = tuple(f"layout{number}" for number in range(10))
PHASES = ("cold", "rebuild", "edit:source", "edit:dependency", "edit:goroot")
STEPS = 20
FIRST_OF_LAST = 15  # the step that begins the second stage
HEADS = {"build": "FROM base AS build", "runtime": "FROM base AS runtime"}
FILES = 5  # below the folder of each step
TARGETS = {"written_s": 10.0, "megabytes": 10.0, "filter_ms": 200.0}


def builds(count: int) -> list[Build]:
    """As many builds of 100 cells, five phases and some rounds, of twenty steps each."""
    made: list[Build] = []
    number = 0
    while True:
        for base in BASES:
            for layout in LAYOUTS:
                for engine in ENGINES:
                    for phase in PHASES:
                        if len(made) == count:
                            return made
                        cell = {"engine": engine, "base": base, "layout": layout}
                        made.append(build(len(made), cell, phase, number + 1))
        number += 1


def instruction(place: int, layout: str) -> str:
    kept = f"of {layout} --with --some --words"
    if place == FIRST_OF_LAST:
        return f"COPY --from=build /{layout} /made"
    return f"RUN step {place} {kept}" if place % 2 else f"COPY d{place} /{layout}/d{place}"


def index(place: int) -> int:
    """The number of a step's instruction: FROM stands above, then ENV, and another FROM."""
    return place + 1 + (place >= 1) + (place >= FIRST_OF_LAST)


def goroot(number: int, phase: str) -> str:
    return f"/opt/go{number}" if phase == "edit:goroot" else "/usr/local/go"


def text(layout: str, goroot: str) -> str:
    lines = [instruction(place, layout) for place in range(STEPS)]
    lines.insert(FIRST_OF_LAST, HEADS["runtime"])
    lines.insert(1, f"ENV GOROOT={goroot}")
    return "\n".join([HEADS["build"], *lines]) + "\n"


def packed(one: Build, number: int) -> bytes:
    """The manifest of a build that changed a file of the first step that ran, or GOROOT."""
    first = first_of(number, one.phase)
    files = {f"d{place}/f{n}": "" for place in range(0, STEPS, 2) for n in range(2 * FILES)}
    if one.phase in {"edit:source", "edit:dependency"}:
        files[f"d{first}/f0"] = one.id
    written = text(one.cell["layout"], goroot(number, one.phase))
    manifest = make(dockerfile.parse(written), Context.of_files(files))
    return gzip.compress(json.dumps(manifest.to_json()).encode(), 3, mtime=0)


def first_of(number: int, phase: str) -> int:
    """The first step that runs: one that copies, where a file was edited."""
    return {"cold": 0, "rebuild": STEPS, "edit:goroot": 1}.get(phase, number % STEPS // 2 * 2)


def build(number: int, cell: dict[str, str], phase: str, turn: int) -> Build:
    spent = 0.1 + (number * 7919 % 1000) / 1000
    first = first_of(number, phase)
    steps = tuple(
        Step(
            index=index(place),
            stage="build" if place < FIRST_OF_LAST else "runtime",
            instruction=instruction(place, cell["layout"]),
            outcome=Outcome.HIT if place < first else Outcome.MISS,
            started_s=place * spent,
            duration_s=spent * (0.9 if place >= first else 0.01),
        )
        for place in range(STEPS)
    )
    untold = [(0, "build", HEADS["build"]), (2, "build", f"ENV GOROOT={goroot(number, phase)}")]
    untold.append((FIRST_OF_LAST + 2, "runtime", HEADS["runtime"]))
    heads = [
        Step(index=at, stage=stage, instruction=said, outcome=None) for at, stage, said in untold
    ]
    return Build(
        id=f"{number:06}-{'-'.join(cell.values())}-r{turn}-{phase}",
        cell=cell,
        round=turn,
        phase=phase,
        status="ok",
        wall_s=spent * STEPS,
        image=Image(id="sha256:0", size_bytes=100_000_000 + number % 7, layers=3),
        cache=Cache(hits=first, misses=STEPS - first, skipped=0),
        steps=tuple(sorted((*heads, *steps), key=lambda step: step.index)),
    )


def stored(folder: Path, count: int) -> Path:
    text = ScenarioText(name="many", path=None, sha256="", text="name: many\n")
    head = Run(
        id="20260101-000000-many",
        status="partial",
        scenario=text,
        host=HostFacts(),
        engines=(),
        seed=1,
        started="2026-01-01T00:00:00+00:00",
    )
    with store.create(folder, head) as writer:
        (writer.folder / "manifests").mkdir()
        lines = b"".join(
            store_line(writer.folder, one, number) for number, one in enumerate(builds(count))
        )
        (writer.folder / "builds.jsonl").write_bytes(lines)  # one write: no fsync for each
        writer.finish("complete")
        return writer.folder


def store_line(folder: Path, one: Build, number: int) -> bytes:
    data = packed(one, number)
    place = f"manifests/{hashlib.sha256(data).hexdigest()[:16]}.json.gz"
    (folder / place).write_bytes(data)
    return json.dumps(replace(one, manifest=place).to_json()).encode() + b"\n"


def written(folder: Path) -> float:
    """Seconds of `lab report` for the page."""
    lab = [sys.executable, "-c", "from lab.cli.main import main; main()"]
    start = time.perf_counter()
    subprocess.run([*lab, "report", str(folder), "--format", "html"], check=True, stdout=-3)
    return time.perf_counter() - start


CLICK = """async name => {
  const box = [...document.querySelectorAll('#filter input')].find(one => one.value === name[0]
    && one.name === name[1]);
  const turn = document.body.dataset.answered, start = performance.now();
  box.click();
  while (document.body.dataset.answered === turn) await new Promise(go => setTimeout(go, 1));
  await new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)));
  return performance.now() - start;
}"""


def filtered(path: Path, repeats: int) -> list[float]:
    """Milliseconds that each kind of filter takes, off and on again."""
    from playwright.sync_api import sync_playwright

    took: list[float] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(found("chromium")), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]", timeout=120_000)
        boxes = [("1", "column"), ("2", "phase"), ("miss", "outcome"), ("base1", "axis:base")]
        for place in ("results", "heat-1"):
            page.evaluate("place => document.getElementById(place).scrollIntoView()", place)
            for _ in range(repeats):
                for box in boxes * 2:
                    took.append(page.evaluate(CLICK, list(box)))
                    page.wait_for_function(
                        "() => document.body.dataset.ready === document.body.dataset.answered"
                    )
        browser.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builds", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = stored(Path(place), options.builds)
        times = [written(folder) for _ in range(options.repeats)]
        page = folder / "report.html"
        took = filtered(page, options.repeats)
        measured = {
            "written_s": statistics.median(times),
            "megabytes": page.stat().st_size / 1e6,
            "filter_ms": statistics.median(took),
        }
    result = {
        "builds": options.builds,
        **{name: round(value, 2) for name, value in measured.items()},
        "written_s_all": [round(one, 2) for one in times],
        "filter_ms_all": [round(one) for one in took],
        "held": {name: measured[name] < target for name, target in TARGETS.items()},
    }
    print(json.dumps(result, indent=2))
    sys.exit(0 if all(result["held"].values()) else 1)


if __name__ == "__main__":
    main()
