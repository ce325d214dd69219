"""Which cache to give a CI job: by a history and by what a run measured; and its job."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.caching.git.place import place
from lab.caching.runner_cache import jobs
from lab.caching.runner_cache.choice import Choice, Prices, choose, histories
from lab.caching.runner_cache.overhead import overheads
from lab.cli import main
from lab.dockerfile import parser
from lab.dockerfile.cachekey import client_rules
from lab.model.events import Outcome
from lab.model.record import Build, Cache, Step
from lab.model.remote_cache import STRATEGIES, Remote
from lab.results import store
from tests import factories

TEXT = """\
FROM a AS tools
RUN tools
FROM a AS build
COPY --from=tools /t /t
COPY go.mod /
RUN deps
COPY src /src
RUN compile
FROM a
COPY --from=build /out /out
"""
PARSED = parser.parse(TEXT)
COSTS = {"RUN tools": 30.0, "RUN deps": 20.0, "RUN compile": 10.0}
AFTER_SOURCES = {"COPY src /src", "RUN compile", "COPY --from=build /out /out"}
ALL = {one.text for one in PARSED.instructions if one.keyword != "FROM"}


def fresh_build(strategy: str, number: int, ran: set[str], beside: float) -> Build:
    """A job of which the steps that ran take what they cost, and ``beside`` seconds more."""
    return Build(
        id=f"{strategy}-{number}",
        cell={"engine": "docker", "cache": strategy},
        round=number,
        phase="fresh:sources",
        status="ok",
        wall_s=sum(COSTS.get(text, 0.0) for text in ran) + beside,
        cache=Cache(hits=len(ALL - ran), misses=len(ran), skipped=0),
        steps=tuple(
            Step(
                index=one.index,
                stage=PARSED.stages[one.stage or 0].name,
                instruction=one.text,
                outcome=Outcome.MISS if one.text in ran else Outcome.HIT,
                duration_s=COSTS.get(one.text, 0.0) if one.text in ran else 0.0,
            )
            for one in PARSED.instructions
            if one.keyword != "FROM"
        ),
        remote=None
        if strategy == "none"
        else Remote(
            strategy=strategy,
            restored=True,
            saved=True,
            down_bytes=2_000_000,
            up_bytes=1_000_000,
        ),
    )


def measured(beside: Mapping[str, float]) -> list[Build]:
    """Three jobs of each strategy."""
    ran = {"none": ALL, "inline": ALL, "registry-max": AFTER_SOURCES}
    return [
        fresh_build(name, number, ran[name], seconds)
        for name, seconds in beside.items()
        for number in (1, 2, 3)
    ]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Nine commits in four days: the sources eight times, the dependencies once."""
    folder = tmp_path / "repo"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text(TEXT)
    git(folder, "init", "-q")
    for number in range(9):
        (folder / "src" / "a.go").write_text(f"// {number}\n")
        (folder / "go.mod").write_text("two" if number > 4 else "one")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "x", at=1_700_000_000 + number * 12 * 3600)
    return folder


def git(folder: Path, *words: str, at: int = 0) -> None:
    """As nobody in particular, at a time."""
    when = {f"GIT_{one}_DATE": f"{at} +0000" for one in ("AUTHOR", "COMMITTER")}
    who = {f"GIT_{o}_{k}": "x" for o in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **when, **who}
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


def chosen(history: Path, beside: Mapping[str, float], prices: Prices) -> Choice:
    found = overheads(measured(beside), "docker", COSTS)
    totals = histories(
        place(history / "Dockerfile", None),
        TEXT,
        client_rules("docker", "28.5.2"),
        list(found),
        COSTS,
        commits=100,
    )
    return choose(totals, found, prices)


BESIDE = {"none": 5.0, "inline": 8.0, "registry-max": 20.0}


def test_jobs_are_priced_by_the_history_and_by_what_was_measured_beside_it(history: Path) -> None:
    """By hand: of eight commits one runs deps and compile again, seven run compile alone."""
    choice = chosen(history, BESIDE, Prices(minute=0.6))
    seconds = {one.strategy: one.job_s for one in choice.priced}
    assert seconds == pytest.approx({"registry-max": 12.5 + 20, "none": 60 + 5, "inline": 60 + 8})
    assert [one.strategy for one in choice.priced] == ["registry-max", "none", "inline"]
    take = choice.take
    assert take is not None
    assert (take.strategy, take.commits) == ("registry-max", 8)
    assert take.jobs_per_week == pytest.approx(16)
    assert take.money == pytest.approx(32.5 / 60 * 0.6)
    assert take.moved_bytes == 3_000_000


@pytest.mark.parametrize(
    ("beside", "prices"),
    [
        (BESIDE | {"registry-max": 60.0}, Prices()),
        (BESIDE, Prices(minute=0.6, gigabyte=1000.0)),
    ],
    ids=["restoring takes longer than it saves", "what is moved costs more than it saves"],
)
def test_no_cache_is_taken_where_none_pays(
    history: Path, beside: Mapping[str, float], prices: Prices
) -> None:
    take = chosen(history, beside, prices).take
    assert take is not None
    assert take.strategy == "none"


def test_the_command_tells_the_choice_and_its_job(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    stored = factories.run("ci", axes={"engine": ["docker"], "cache": list(BESIDE)})
    with store.create(results, stored) as writer:
        for one in measured(BESIDE):
            writer.append(one, TEXT)
        writer.finish("complete")
    asked = ["advise", "--ci", "gitlab", str(history / "Dockerfile"), "--results", str(results)]
    assert ended(asked) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "take registry-max: 32.5 s a job, against 65 s without a cache" in said
    assert "registry-max: 8 min 40 s and 48 MB a week (16 jobs)" in said
    assert "mode=max" in said
    assert "docker:28-dind" in said
    assert ended([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["take"] == "registry-max"
    assert ended([*asked, "--price", "RUN x=1"]) == 2
    assert ended(["advise", str(history / "Dockerfile"), "--minute-price", "1"]) == 2
    assert ended([*asked[:-1], str(tmp_path / "none")]) == 2
    assert "lab advise --ci github --prove 6" in capsys.readouterr().err


def test_jobs_of_two_lines_or_of_bad_days_are_not_mixed(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed = [
        replace(one, id=f"{one.id}-{day}-{link}", cell={**one.cell, "registry": day, "link": link})
        for one in measured(BESIDE)
        for day, link in (("well", "hosted"), ("slow", "hosted"), ("well", "office"))
    ]
    alone = [one for one in mixed if one.cell["link"] == "hosted"]
    assert overheads(alone, "docker", COSTS)["inline"].seconds.count == 3
    with store.create(tmp_path / "results", factories.run("ci", axes={"cache": []})) as writer:
        for one in mixed:
            writer.append(one, TEXT)
        writer.finish("complete")
    asked = ["advise", "--ci", "github", "--run", "ci", str(history / "Dockerfile")]
    assert ended([*asked, "--results", str(tmp_path / "results")]) == 2
    assert "several values of link: hosted, office" in capsys.readouterr().err


def ended(words: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as found:
        main.main(words)
    return found.value.code or 0


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"warm-disk"}))
@pytest.mark.parametrize(
    ("system", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")]
)
def test_jobs_are_what_the_systems_read(
    system: jobs.System, schema: str, strategy: str, tmp_path: Path
) -> None:
    project = jobs.Project(
        dockerfile="it's/Dockerfile",
        context="it's",
        stages=jobs.stages(PARSED, None),
        build_args=("MODE=a b",),
    )
    path = tmp_path / "job.yml"
    path.write_text(jobs.job(system, strategy, project))
    checked = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    told = subprocess.run([*checked, path], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    work = yaml.safe_load(path.read_text())
    steps = [work["build-image"]["script"]] if system == "gitlab" else []
    if system == "github":
        steps = [one["run"].splitlines() for one in work["jobs"]["image"]["steps"] if "run" in one]
    script = [line for step in steps for line in step]
    subprocess.run(["bash", "-n"], input="\n".join(script), text=True, check=True)
    builds = [shlex.split(line) for line in script if " build " in line]
    assert all(one[-1] == "it's" and "MODE=a b" in one for one in builds)
    before = script[: script.index(next(line for line in script if " build " in line))]
    if strategy == "local":  # what is carried is not among what is built while it is built
        assert any(line.endswith("&& mv .build-cache /tmp/build-cache") for line in before)
        assert script[-1] == "mv /tmp/build-cache-new .build-cache"
    targets = [one[one.index("--target") + 1] for one in builds if "--target" in one]
    assert targets == (["tools", "build"] if strategy == "stage-images" else [])
