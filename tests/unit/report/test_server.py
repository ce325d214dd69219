"""`lab serve`: what it answers, and to whom it does not."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.report import live_state, run_index, trend_rows
from lab.report.server import Server
from lab.results import store
from tests.report_runs import EVIL, builds, run


@pytest.fixture
def results(tmp_path: Path) -> Path:
    with store.create(tmp_path / "results", run()) as writer:
        for one in builds(EVIL):
            writer.append(one, "FROM base\n")
        writer.finish("complete")
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "results"


@pytest.fixture
def server(results: Path) -> Iterator[Server]:
    with Server(results, 0) as made:
        thread = threading.Thread(
            target=made.serve_forever, args=(0.01,)
        )  # until it is told to stop
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("name", ["resutls", "secret"])
def test_a_folder_that_is_none_is_not_served(
    results: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        # The port cannot be had: a folder that is let pass ends here too, but says so.
        main.main(["serve", "--port", "99999", "--results", str(results.parent / name)])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"{name} is no folder" in err
    assert "next: name the folder of your runs with --results" in " ".join(err.split())


def test_the_list_finds_runs_by_their_words(server: Server) -> None:
    status, text = ask(server, "/")
    assert (status, run().id in text) == (200, True)
    assert run().id in ask(server, "/?q=layer+docker")[1]
    assert run().id not in ask(server, "/?q=nothing-of-this")[1]


def test_a_run_that_ended_is_listed_by_its_head_alone(server: Server, results: Path) -> None:
    (folder,) = results.iterdir()
    (folder / "builds.jsonl").write_text("")
    assert f"<td>{len(builds())}</td>" in ask(server, "/")[1]
    assert "has 0 of the" in ask(server, f"/runs/{run().id}")[1]
    head = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(head | {"status": "partial"}))
    assert "<td>0</td>" in ask(server, "/")[1]


def test_reports_and_trends_are_pages(server: Server) -> None:
    status, text = ask(server, f"/runs/{run().id}")
    assert status == 200
    assert "&lt;script&gt;alert(1)" in text
    status, text = ask(server, "/trend/layer-cache")
    assert (status, "10.2 s" in text) == (200, True)
    assert "form-action 'self'" in text.replace("&#39;", "'")


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..",
        "/runs/../secret",
        "/runs/%2e%2e%2fsecret",
        "/secret",
        "/runs/",
        "/live/x",
        "/trend/x",
    ],
)
def test_nothing_else_is_there(server: Server, path: str) -> None:
    status, text = ask(server, path)
    assert status == 404
    assert text != "secret"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:8700"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_sites_are_refused(server: Server, headers: dict[str, str]) -> None:
    status, text = ask(server, "/", **headers)
    assert (status, run().id in text) == (403, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_only_reads(server: Server, method: str) -> None:
    assert ask(server, "/", method)[0] == 501


def test_own_pages_are_answered(server: Server) -> None:
    own = f"http://127.0.0.1:{server.server_port}"
    assert ask(server, "/", Origin=own, Sec_Fetch_Site="same-origin")[0] == 200
    assert ask(server, "/", Host=f"localhost:{server.server_port}")[0] == 200


def test_a_build_under_way_is_told_as_long_as_its_run_lives(server: Server, results: Path) -> None:
    path = results / run().id / live_state.FILE
    step = {"index": 0, "instruction": "RUN <b>", "start": 0.5, "end": None, "outcome": None}
    told = {"build": "b", "phase": "cold", "cell": {"engine": "docker"}, "began": 0.0}
    told |= {"pid": os.getpid(), "done": 1, "total": 4, "steps": [step]}
    path.write_text(json.dumps(told))
    answer = json.loads(ask(server, f"/api/live/{run().id}")[1])
    assert answer["said"].startswith("1 of 4 builds done; now docker, cold")
    assert [(row["label"], row["outcome"]) for row in answer["rows"]] == [("1: RUN <b>", "unknown")]
    assert answer["rows"][0]["end"] > 1e9  # it still runs
    path.write_text(json.dumps(told | {"pid": 2**22 + 1}))  # above Linux's largest pid
    assert json.loads(ask(server, f"/api/live/{run().id}")[1])["ended"] is True


def test_a_run_that_cannot_be_read_is_named_and_spoils_nothing(
    server: Server, results: Path
) -> None:
    for name, text in {"bad": "{", "list": "[1]", "empty": ""}.items():
        (results / name).mkdir()
        (results / name / "run.json").write_text(text)
    text = ask(server, "/")[1]
    assert text.count("unreadable") == 3
    assert ask(server, "/runs/bad")[0] == 404
    assert "10.2 s" in ask(server, "/trend/layer-cache")[1]


def test_the_list_begins_with_what_started_last(server: Server, results: Path) -> None:
    old = results / "zz-renamed"
    shutil.copytree(results / run().id, old)
    head = json.loads((old / "run.json").read_text())
    (old / "run.json").write_text(json.dumps(head | {"started": "2025-01-01T00:00:00+00:00"}))
    text = ask(server, "/")[1]
    assert 0 < text.index(f">{run().id}<") < text.index(">zz-renamed<")


def test_a_lost_manifest_costs_a_report_its_causes_only(tmp_path: Path) -> None:
    lost = replace(builds()[0], manifest="manifests/none.json.gz")
    with store.create(tmp_path, run()) as writer:
        writer.append(lost, "FROM base\n")
        writer.finish("complete")
    text = run_index.of_run(tmp_path / run().id)
    assert "the causes of misses are left out" in text


def test_a_long_list_comes_page_by_page(server: Server, results: Path) -> None:
    head = (results / run().id / "run.json").read_text()
    for number in range(250):
        (results / f"more-{number:03}").mkdir()
        (results / f"more-{number:03}" / "run.json").write_text(head)
    seen: list[str] = []
    for page in (1, 2, 3):
        status, text = ask(server, f"/?page={page}")
        rows = re.findall(r'<a href="/runs/([^"]+)">', text)
        assert (status, f"page {page} of 3" in text, "251 of 251 runs" in text) == (200, True, True)
        seen += rows
    assert len(seen) == len(set(seen)) == 251
    assert "page 3 of 3" in ask(server, "/?page=99")[1]
    assert "page 1 of 3" in ask(server, "/?page=-1%3Cscript")[1]


def test_a_trend_tells_where_its_level_changes() -> None:
    """Sixty runs, by one place slower by a quarter from the fiftieth on; another stays."""
    rows = [
        {"run": f"r{at}", "phase": "cold", "cell": cell, "value": 10 * by * (1 + at % 5 / 200)}
        for at in range(60)
        for cell, by in (("docker", 1.0), ("podman", 1.25 if at >= 50 else 1.0))
    ]
    (change,) = [row for row in trend_rows.with_changes(rows) if row.get("kind") == "change"]
    assert (change["run"], change["cell"], change["said"]) == ("r50", "podman", "25 % longer")
