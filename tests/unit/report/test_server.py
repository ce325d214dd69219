"""`lab serve`: what it answers, and to whom it does not."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from lab.cli import main
from lab.model.origin import Origin
from lab.report import live_state, run_index, run_rows, trend_rows
from lab.report.run_rows import Rows
from lab.report.server import MOST, Server
from lab.results import index, store
from tests import factories
from tests.gate_runs import record
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
    assert f">{len(builds())} builds<" in ask(server, "/")[1]
    assert "has 0 of the" in ask(server, f"/runs/{run().id}")[1]
    head = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(head | {"status": "partial"}))
    assert ">0 builds<" in ask(server, "/")[1]


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"GET / HTT"])
def test_a_thousand_silent_connections_hold_nobody_up(server: Server, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", server.server_port), timeout=60)
            stack.enter_context(one)
            one.sendall(sent)
        assert ask(server, "/")[0] == 200
        assert threading.active_count() < MOST + 20
    deadline = time.monotonic() + 60
    while threading.active_count() > 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= 20
    assert not server._open


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


@pytest.mark.slow
def test_a_run_that_cannot_be_read_is_named_and_spoils_nothing(
    server: Server, results: Path
) -> None:
    for name, text in {"bad": "{", "list": "[1]", "empty": ""}.items():
        (results / name).mkdir()
        (results / name / "run.json").write_text(text)
    text = ask(server, "/")[1]
    assert text.count("unreadable: ") == 3
    assert ask(server, "/runs/bad")[0] == 404
    assert "10.2 s" in ask(server, "/trend/layer-cache")[1]


def test_the_list_begins_with_what_started_last(server: Server, results: Path) -> None:
    old = results / "zz-renamed"
    shutil.copytree(results / run().id, old)
    head = json.loads((old / "run.json").read_text())
    (old / "run.json").write_text(json.dumps(head | {"started": "2025-01-01T00:00:00+00:00"}))
    text = ask(server, "/")[1]
    assert 0 < text.index(f">{run().id}<") < text.index(">zz-renamed<")


@pytest.mark.slow
def test_a_lost_manifest_costs_a_report_its_causes_only(tmp_path: Path) -> None:
    lost = replace(builds()[0], manifest="manifests/none.json.gz")
    with store.create(tmp_path, run()) as writer:
        writer.append(lost, "FROM base\n")
        writer.finish("complete")
    text = run_index.of_run(tmp_path / run().id)
    assert "the causes of misses are left out" in text


@pytest.mark.slow
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


def test_a_trend_s_answer_is_a_sentence_for_each_place_of_change() -> None:
    rows: list[trend_rows.Row] = [
        {
            "kind": "point",
            "run": f"r{at}",
            "date": f"2026-01-{at // 24 + 1:02}T{at % 24:02}:00:00Z",
            "phase": phase,
            "phase_order": order,
            "cell": "podman",
            "commit": f"c{at} main",
            "value": 10 * (1 + at % 5 / 200) * (1.25 if at >= 50 else 1) * (2 if at >= 25 else 1),
        }
        for at in range(75)
        for order, phase in enumerate(("cold", "edit:source"))
    ]
    assert trend_rows.answers(trend_rows.with_changes(rows)) == [
        "podman: 25 % longer in cold builds, 25 % longer after the source edit, from r50 on "
        "(c50 main).",
        "podman: 2.0 times slower in cold builds, 2.0 times slower after the source edit, from r25 "
        "on (c25 main).",
    ]
    assert trend_rows.answers(rows[:40]) == ["No change that stands out from chance."]


def listed(text: str) -> list[str]:
    """The runs of a list, from its top."""
    return re.findall(r'<a href="/runs/([^"]+)">', text)


def many(results: Path, count: int) -> None:
    """Runs of two engines, a day each; from the tenth on podman takes twice as long."""
    for number in range(count):
        slow = 2.0 if number >= 10 else 1.0
        kept = [
            factories.build(at, wall * (1 + at / 1000), cell={"engine": engine, "base": "bookworm"})
            for engine, wall in (("docker", 5.0), ("podman", 5.0 * slow))
            for at in range(1, 9)
        ]
        record(
            results / f"r{number:02}",
            [],
            builds=kept,
            started=f"2026-11-{number + 1:02}T10:00:00.000+00:00",
            name=f"night-{number}",
            axes={"engine": ("docker", "podman")},
            origin=Origin(commit=f"{number:x}" * 40, branch=("main", "topic")[number % 2]),
        )


def test_the_list_says_what_a_run_is_of_and_what_came_of_it(tmp_path: Path) -> None:
    many(tmp_path, 12)
    rows = Rows(tmp_path)
    text = run_index.index(rows, tmp_path, {})
    assert listed(text) == [f"r{number:02}" for number in reversed(range(12))]
    row = text.split('<tr role="row">')[2]
    assert "podman is 2.0 times slower than docker in cold builds" in row
    for said in ("bbbbbbbbb", ">topic", "night-11", "16 builds", "2026-11-12 10:00:00 UTC"):
        assert said in row
    assert "5.02 s \u2013 10 s" in row
    assert "50 %" in row


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("q=night-1", [11, 10, 1]),
        ("q=bbbbbbbbbbbb", [11]),
        ("q=MAIN+night-1", [10]),
        ("branch=topic&verdict=slower", [11]),
        ("verdict=slower", [11, 10]),
        ("verdict=same&since=2026-11-09", [9, 8]),
        ("scenario=tried&since=2026-11-11T10:00", [11, 10]),
        ("scenario=other", []),
        ("engine=docker&q=night-0", [0]),
        ("engine=podman", []),  # no head says so
        ("branch=main&since=yesterday", [10, 8, 6, 4, 2, 0]),
    ],
)
def test_the_form_leaves_the_runs_that_it_asks_for(
    dozen: Rows, query: str, runs: list[int]
) -> None:
    text = run_index.index(dozen, Path("x"), parse_qs(query))
    assert listed(text) == [f"r{number:02}" for number in runs]
    assert ("expected a time such as 7d" in text) is ("yesterday" in query)
    for value in parse_qs(query).get("branch", []):
        assert f"<option selected>{value}</option>" in text


@pytest.fixture(scope="module")
def dozen(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    results = tmp_path_factory.mktemp("dozen")
    many(results, 12)
    return Rows(results)


def test_pages_keep_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_index, "PAGE", 2)
    many(tmp_path, 5)
    text = run_index.index(Rows(tmp_path), tmp_path, {"q": ["a&b <c>"], "branch": ["main"]})
    assert "No run is like that." in text
    text = run_index.index(Rows(tmp_path), tmp_path, {"branch": ["main"], "q": ["night"]})
    (older,) = re.findall(r'href="/\?([^"]*)">older', text)
    assert parse_qs(older.replace("&amp;", "&")) == {
        "q": ["night"],
        "branch": ["main"],
        "page": ["2"],
    }
    text = run_index.index(Rows(tmp_path), tmp_path, parse_qs(older.replace("&amp;", "&")))
    assert listed(text) == ["r00"]


def test_the_list_is_of_the_files_as_they_are_now(tmp_path: Path) -> None:
    many(tmp_path, 4)
    rows = Rows(tmp_path)
    assert len(rows.all()) == 4
    shutil.rmtree(tmp_path / "r01")
    (tmp_path / "r02" / "run.json").write_text("{")
    record(tmp_path / "later", [1.0], started="2027-01-01T00:00:00+00:00")
    found = {row.head.folder.name: row for row in rows.all()}
    assert set(found) == {"r00", "r02", "r03", "later"}
    assert found["r02"].kinds == {"unreadable"}
    assert rows.all()[0].head.folder.name == "later"


def test_verdicts_of_many_runs_are_read_beside_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_rows, "AT_ONCE", 2)
    monkeypatch.setattr(run_rows, "BATCH", 3)
    monkeypatch.setattr(index, "FEW", 5)
    monkeypatch.setattr(index, "RECENT", -3600.0)
    many(tmp_path, 12)
    rows = Rows(tmp_path)
    assert "verdicts of 12 runs are being read" in run_index.index(rows, tmp_path, {})
    deadline = time.monotonic() + 60
    while rows.unread and time.monotonic() < deadline:
        time.sleep(0.01)
    first = rows.all()
    assert sum("slower" in row.kinds for row in first) == 2
    assert all(row.answer for row in first)
    rows.close()
    again = Rows(tmp_path)  # another server finds them
    assert again.all() == first
    assert again.unread == 0


@pytest.mark.slow
def test_a_trend_names_commits_and_can_begin_late(server: Server, results: Path) -> None:
    many(results, 3)
    text = ask(server, "/trend/tried")[1]
    assert "111111111 topic" in text
    assert "3 runs" in text
    assert (
        "2 of 2 runs" in ask(server, "/trend/tried?since=2026-11-02")[1]
        or "2 runs" in (ask(server, "/trend/tried?since=2026-11-02")[1])
    )
    assert "0 runs" in ask(server, "/trend/tried?since=2027-01-01")[1]
