"""A slow build becomes an alert: Debian's Prometheus and Alertmanager, from scrape to webhook."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from lab.cli.main import main
from lab.model.origin import Origin
from lab.report.server import Server
from lab.results import store
from tests import factories

POLICY = """\
name: releases
rules:
  - {metric: wall, relative: +12%, after: "edit:*", where: {engine: docker}}
  - {metric: wall, limit: 90s}
  - {metric: cpu, absolute: 3s}
  - {metric: hit_rate, limit: 50%}
  - {metric: hit_rate, relative: -10%}
  - {metric: peak_memory, limit: 1.2GB}
  - {metric: image_size, absolute: 20MB}
"""


def kept(results: Path, number: int, wall: float) -> None:
    run = factories.run(
        f"run-{number}", started=f"2026-11-2{number}T10:00:00+00:00", origin=Origin(branch="main")
    )
    with store.create(results, run) as writer:
        writer.append(factories.build(1, wall))
        writer.finish("complete")


def rules(folder: Path, *more: str) -> None:
    for kind, name in (("rules", "lab-rules.yaml"), ("rules-test", "tests.yaml")):
        with pytest.raises(SystemExit, match="0"):
            main(["metrics", "--format", kind, "--output", str(folder / name), *more])


@pytest.mark.parametrize("policy", [None, POLICY])
def test_promtool_finds_the_rules_right(tmp_path: Path, policy: str | None) -> None:
    more = []
    if policy is not None:
        (tmp_path / "policy.yaml").write_text(policy)
        more = ["--policy", str(tmp_path / "policy.yaml")]
    rules(tmp_path, *more)
    for command in (["check", "rules", "lab-rules.yaml"], ["test", "rules", "tests.yaml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_would_tell_a_rule_that_does_not_fire(tmp_path: Path) -> None:
    rules(tmp_path)
    path = tmp_path / "lab-rules.yaml"
    path.write_text(path.read_text().replace("1.12", "1.13"))
    done = subprocess.run(
        ["promtool", "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1


@contextmanager
def webhook() -> Iterator[tuple[str, queue.SimpleQueue[dict[str, Any]]]]:
    """Takes what Alertmanager sends."""
    seen: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
        try:
            yield
        finally:
            process.kill()  # nothing of it is kept
            process.wait()


def test_a_slow_build_reaches_the_webhook(tmp_path: Path) -> None:
    results = tmp_path / "results"
    kept(results, 1, 10.0)
    rules(tmp_path)
    manager, prometheus = free_port(), free_port()
    with webhook() as (url, alerts), Server(results, 0) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        configure(tmp_path, url, manager, server.server_port)
        with (
            running(
                "prometheus-alertmanager",
                "--config.file=am.yaml",
                f"--web.listen-address=127.0.0.1:{manager}",
                "--cluster.listen-address=",
                f"--storage.path={tmp_path / 'am'}",
                log=tmp_path / "am.log",
            ),
            running(
                "prometheus",
                "--config.file=prometheus.yaml",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                log=tmp_path / "prometheus.log",
            ),
        ):
            scraped(prometheus, 4)
            assert alerts.empty()  # as fast as ever: nobody is woken
            kept(results, 2, 20.0)
            told = alerts.get(timeout=30)
        server.shutdown()
        serving.join()
    (alert,) = told["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"]["alertname"] == "LabWallWorse"
    assert alert["labels"]["branch"] == "main"
    assert "tried is 20 (docker, cold, main)" in alert["annotations"]["summary"]


def scraped(port: int, times: int) -> None:
    """Wait until Prometheus has so many values of the series."""
    query = "count_over_time(lab_build_wall_seconds[5m])"
    address = f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}"
    ended = time.monotonic() + 60
    while time.monotonic() < ended:
        with suppress(OSError), urlopen(address) as answer:
            found = json.load(answer)["data"]["result"]
            if found and int(found[0]["value"][1]) >= times:
                return
        time.sleep(0.1)
    pytest.fail(f"Prometheus has not scraped the lab {times} times")


def configure(folder: Path, url: str, manager: int, lab: int) -> None:
    """Configurations of both, as JSON, which is YAML."""
    scrape = {"job_name": "lab", "static_configs": [{"targets": [f"127.0.0.1:{lab}"]}]}
    one = {"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}
    prometheus = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "500ms"},
        "rule_files": ["lab-rules.yaml"],
        "scrape_configs": [scrape | {"scrape_timeout": "1s"}],
        "alerting": {"alertmanagers": [one]},
    }
    route = {"receiver": "hook", "group_wait": "100ms", "group_by": ["alertname"]}
    receiver = {"name": "hook", "webhook_configs": [{"url": url}]}
    (folder / "prometheus.yaml").write_text(json.dumps(prometheus))
    (folder / "am.yaml").write_text(json.dumps({"route": route, "receivers": [receiver]}))
