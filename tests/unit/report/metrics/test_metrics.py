"""What Prometheus scrapes, and what is made for Prometheus and Grafana beside it."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.cli.main import main
from lab.model.origin import Origin
from lab.report.metrics import dashboard, rules, scrape
from lab.report.metrics.scrape import Scrape
from lab.report.server import Server
from lab.results import store
from lab.results.gate.policy import Policy, Rule
from lab.results.heads import Head
from lab.results.runs import StoredRun
from tests import factories

PHASES = ("cold", "rebuild", "edit:source")


def kept(results: Path, number: int, *, branch: str = "main", wall: float = 1.0) -> None:
    """A run of one engine, in three phases."""
    day, minute = divmod(number, 1440)
    started = (
        f"2026-{1 + day // 28:02}-{1 + day % 28:02}T{minute // 60:02}:{minute % 60:02}:00+00:00"
    )
    run = factories.run(f"run-{number:05}", started=started, origin=Origin(branch=branch))
    with store.create(results, run) as writer:
        for phase in PHASES:
            writer.append(factories.build(1, wall, phase=phase))
        writer.finish("complete", finished=started)


def series(text: str) -> dict[str, dict[str, float]]:
    """Metric -> branch and phase -> value, as Prometheus' own parser reads it."""
    return {
        family.name: {
            f"{one.labels.get('branch')} {one.labels.get('phase')}": one.value
            for one in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_the_newest_run_of_each_branch_counts(tmp_path: Path) -> None:
    kept(tmp_path, 1, wall=1.0)
    kept(tmp_path, 2, branch="fix", wall=3.0)
    scrape = Scrape(tmp_path)
    assert series(scrape.text())["lab_build_wall_seconds"]["main cold"] == 1.0
    kept(tmp_path, 3, wall=2.0)
    found = series(scrape.text())
    assert found["lab_build_wall_seconds"]["main cold"] == 2.0
    assert found["lab_build_wall_seconds"]["fix cold"] == 3.0
    assert found["lab_builds_failed"]["main cold"] == 0
    assert found["lab_runs"] == {"None None": 3}
    assert "run-0000" not in scrape.text()


def test_branches_built_last_are_kept_where_all_would_be_too_many(tmp_path: Path) -> None:
    for number in range(6):
        kept(tmp_path, number, branch=f"topic-{number}")
    each = len(series(Scrape(tmp_path).text())["lab_builds"]) // 6
    assert each == len(PHASES)
    one = sum(map(len, series(Scrape(tmp_path).text()).values())) // 6
    found = series(Scrape(tmp_path, most=2 * one + 5).text())
    assert sorted(found["lab_builds"]) == sorted(f"topic-{n} {p}" for n in (4, 5) for p in PHASES)
    assert found["lab_branches_left_out"] == {"None None": 4}


@pytest.mark.slow
def test_10_000_runs_make_fewer_than_2_000_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 600 branches, three scenarios and four phases; read from memory."""
    heads: list[Head] = []
    for number in range(10_000):
        origin, name = Origin(branch=f"topic-{number * 7 % 600}"), f"scenario-{number % 3}"
        at = f"2026-01-01T{number:06}"
        made = Head(
            folder=Path(at), started=at, status="complete", built=True, scenario=name, origin=origin
        )
        heads.append(made)
    of = {one.folder: one for one in heads}

    def read(folder: Path) -> StoredRun:
        run = factories.run(folder.name, started="2026-01-01T00:00:00+00:00")
        text = replace(run.scenario, name=of[folder].scenario)
        builds = tuple(factories.build(1, phase=one) for one in (*PHASES, "edit:dependency"))
        head = replace(run, scenario=text, origin=of[folder].origin)
        return StoredRun(run=head, builds=builds, folder=folder)

    monkeypatch.setattr(scrape.heads, "heads", lambda _: heads)
    monkeypatch.setattr(scrape.runs, "read", read)
    text = Scrape(Path()).text()
    count = sum(bool(line) and not line.startswith("#") for line in text.splitlines())
    assert 1_900 < count < 2_000
    assert series(text)["lab_runs"]["None None"] == 10_000
    left = series(text)["lab_branches_left_out"]["None None"]
    named = {
        (one.labels["scenario"], one.labels["branch"])
        for family in text_string_to_metric_families(text)
        if family.name == "lab_builds"
        for one in family.samples
    }
    assert len(named) + left == len({(one.scenario, one.origin.branch) for one in heads})


def test_the_server_answers_prometheus(tmp_path: Path) -> None:
    kept(tmp_path, 1)
    with Server(tmp_path, 0) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            with urllib.request.urlopen(f"{server.url}metrics") as answer:  # noqa: S310 (loopback)
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert series(answer.read().decode())["lab_builds"]["main cold"] == 1
        finally:
            server.shutdown()


def test_a_rule_without_a_series_has_no_alert(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["metrics", "--format", "rules"])
    said = capsys.readouterr()
    names = [one["alert"] for one in json.loads(said.out)["groups"][0]["rules"]]
    assert names == ["LabWallWorse", "LabHitRateWorse", "LabImageSizeWorse", "LabBuildsFailed"]
    assert "no alert for coverage" in said.err
    with pytest.raises(SystemExit, match="2"):
        main(["metrics", "--format", "rules", "--policy", "none.yaml"])


def test_rules_keep_to_the_cells_and_phases_of_their_policy() -> None:
    rule = Rule(
        metric="wall", kind="relative", amount=0.12, certainty=0.95,
        where={"engine": "docker", "go-version": "1.22"}, after="edit:*",
    )  # fmt: skip
    (alert,) = rules.alerts(Policy(name="p", rules=(rule,)))
    selected = 'lab_build_wall_seconds{engine="docker",go_version="1.22",phase=~"edit:.*"}'
    assert alert.expression == (f"{selected} > 1.12 * quantile_over_time(0.5, {selected}[2w])")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.5, "1.5"), (11200.0, "11.2k"), (1.2e9, "1.2G"), (0.4995, "499.5m")],
)
def test_numbers_are_written_as_prometheus_does(value: float, text: str) -> None:
    assert rules.humanize(value) == text


def test_the_dashboard_keeps_to_grafanas_own_model() -> None:
    from grafana_foundation_sdk.models.dashboard import Dashboard

    made = json.loads(dashboard.dashboard())
    read = json.loads(
        json.dumps(Dashboard.from_json(made).to_json(), default=lambda o: o.to_json())
    )
    del made["__inputs"]  # of the file for its import, not of the model
    assert lost(made, read) == []
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])


def lost(made: object, read: object, place: str = "") -> list[str]:
    """What Grafana's model does not know."""
    if isinstance(made, dict) and isinstance(read, dict):
        return [
            found
            for key, value in made.items()
            for found in (
                lost(value, read[key], f"{place}.{key}") if key in read else [f"{place}.{key}"]
            )
        ]
    if isinstance(made, list) and isinstance(read, list):
        pairs = zip(made, read, strict=True)
        return [found for n, (a, b) in enumerate(pairs) for found in lost(a, b, f"{place}[{n}]")]
    return [] if made == read else [f"{place}: {made} {read}"]


def test_every_panel_asks_for_series_that_are_exported(tmp_path: Path) -> None:
    kept(tmp_path, 1)
    known = {*series(Scrape(tmp_path).text()), *rules.SERIES.values()}
    asked = {
        word.split("{")[0].split()[-1]
        for panel in json.loads(dashboard.dashboard())["panels"]
        for word in [panel["targets"][0]["expr"]]
    }
    assert asked <= known
