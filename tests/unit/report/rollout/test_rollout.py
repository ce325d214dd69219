"""What may go on: reviews over TLS, verdicts that are missing, torn or of the future, manifests."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import kubernetes_validate
import pytest

from benchmarks.webhook import cpu_s, free_port, load, serve
from lab.cli.main import main
from lab.model.errors import InputError
from lab.model.origin import Origin
from lab.report.rollout.admission import Judge, Malformed
from lab.report.rollout.webhook import Webhook
from lab.results import store
from lab.results.gate.verdicts import Verdict, keep, subject
from tests import factories

GOOD, BAD, OTHER = (f"sha256:{digit * 64}" for digit in "abc")
JUDGED = {GOOD: "pass", BAD: "fail"}  # as benchmarks/webhook.py asks
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def verdict(digest: str, outcome: str = "pass", decided: datetime = NOW) -> Verdict:
    return Verdict(
        subject=digest,
        outcome=outcome,
        policy="default",
        baseline="a",
        candidate="b",
        decided=decided.isoformat(),
    )


@pytest.fixture
def verdicts(tmp_path: Path) -> Path:
    keep(tmp_path / "v", [verdict(GOOD), verdict(BAD, "fail")])
    return tmp_path / "v"


def pod(*images: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "image": one} for one in images], **more}}


def review(found: object, operation: str = "CREATE") -> dict[str, Any]:
    request = {"uid": "705ab4f5", "operation": operation, "object": found}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def allowed(judge: Judge, found: object, **more: str) -> tuple[bool, str]:
    answer = judge.review(review(found, **more), NOW)
    assert answer["apiVersion"] == "admission.k8s.io/v1"
    assert answer["response"]["uid"] == "705ab4f5"
    return answer["response"]["allowed"], answer["response"].get("status", {}).get("message", "")


@pytest.mark.parametrize(
    ("found", "passes", "said"),
    [
        (pod(f"r.example/app@{GOOD}"), True, ""),
        (pod(f"r.example/app:v1@{GOOD}"), True, ""),
        (pod(f"r.example/app@{BAD}"), False, "the gate failed it"),
        (pod(f"r.example/app@{OTHER}"), False, "no gate has judged"),
        (pod("r.example/app:v1"), False, "has no digest"),
        (pod(GOOD), False, "has no digest"),
        (pod(f"r.example/app@{GOOD}", initContainers=[{"image": "x"}]), False, "has no digest"),
        (pod(f"x@{GOOD}", ephemeralContainers=[{"image": f"x@{BAD}"}]), False, "failed it"),
        (pod(f"x@{GOOD}", volumes=[{"image": {"reference": "x:1"}}]), False, "has no digest"),
        ({"spec": {"template": pod(f"x@{GOOD}")}}, True, ""),
        ({"spec": {"template": pod(f"x@{BAD}")}}, False, "failed it"),
        ({"spec": {"jobTemplate": {"spec": {"template": pod(f"x@{BAD}")}}}}, False, "failed it"),
        ({"spec": {"replicas": 3}}, False, "no pod"),
        (pod(), False, "without containers"),
        (None, False, "no pod"),
    ],
)
def test_only_what_a_gate_passed_goes_on(
    verdicts: Path, found: object, passes: bool, said: str
) -> None:
    answer = allowed(Judge(verdicts=verdicts), found)
    assert answer[0] is passes
    assert said in answer[1]


def test_what_is_deleted_and_other_repositories_are_nobodys_business(verdicts: Path) -> None:
    assert allowed(Judge(verdicts=verdicts), None, operation="DELETE")[0]
    judge = Judge(verdicts=verdicts, repositories=["r.example/team/"])
    assert allowed(judge, pod("docker.io/library/nginx:1"))[0]
    assert not allowed(judge, pod("r.example/team/app:1"))[0]
    assert not allowed(judge, pod("docker.io/library/nginx:1", "r.example/team/app:1"))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ('{"schema": "lab.verdict/1"}', "cannot be read"),
        ('{"schema": "other/1", "subject": "x"}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("null", "cannot be read"),
    ],
)
def test_a_verdict_that_cannot_be_read_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / f"{GOOD.replace(':', '-')}.json").write_text(text)
    passes, why = allowed(Judge(verdicts=tmp_path), pod(f"x@{GOOD}"))
    assert not passes
    assert said in why


def test_the_verdict_of_another_image_does_not_count(tmp_path: Path) -> None:
    keep(tmp_path, [verdict(GOOD)])
    (tmp_path / f"{GOOD.replace(':', '-')}.json").rename(
        tmp_path / f"{OTHER.replace(':', '-')}.json"
    )
    assert not allowed(Judge(verdicts=tmp_path), pod(f"x@{OTHER}"))[0]


@pytest.mark.parametrize(
    ("age", "passes"),
    [
        (timedelta(0), True),
        (timedelta(minutes=-4), True),  # clocks differ by a little
        (timedelta(minutes=-6), False),
        (timedelta(days=29), True),
        (timedelta(days=31), False),
    ],
)
def test_clocks_may_differ_by_five_minutes_and_verdicts_grow_old(
    tmp_path: Path, age: timedelta, passes: bool
) -> None:
    keep(tmp_path, [verdict(GOOD, decided=NOW - age)])
    judge = Judge(verdicts=tmp_path, oldest=timedelta(days=30))
    assert allowed(judge, pod(f"x@{GOOD}"))[0] is passes


@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"kind": "AdmissionReview"}, {**review({}), "request": {}},
              {**review({}), "apiVersion": "admission.k8s.io/v1beta1"}]
)  # fmt: skip
def test_what_is_no_review_is_refused(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(Malformed):
        Judge(verdicts=tmp_path).review(wrong)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"), "one")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate of loopback, by openssl."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return cert, key


@contextmanager
def serving(judge: Judge, pair: tuple[Path, Path], port: int = 0) -> Iterator[Webhook]:
    said: list[str] = []
    with Webhook(judge, address=("127.0.0.1", port), pair=pair, say=said.append) as server:
        server.said = said  # type: ignore[attr-defined]  # for the tests alone
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def connect(server: Webhook, ca: Path) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(ca))
    return http.client.HTTPSConnection("127.0.0.1", server.server_port, context=context, timeout=5)


def ask(client: http.client.HTTPSConnection, body: str | dict[str, Any]) -> tuple[int, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    client.request("POST", "/?timeout=5s", text, {"Content-Type": "application/json"})
    answer = client.getresponse()
    return answer.status, json.loads(answer.read())


def test_reviews_are_answered_over_tls_on_one_connection(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    keep(verdicts, [verdict(GOOD, decided=datetime.now(UTC))])
    with serving(Judge(verdicts=verdicts), pair) as server:
        client = connect(server, pair[0])
        status, answer = ask(client, review(pod(f"x@{GOOD}")))
        assert (status, answer["response"]["allowed"]) == (200, True)
        status, answer = ask(client, review(pod(f"x@{BAD}")))
        assert answer["response"]["status"]["code"] == 403
        assert ask(client, "no json")[0] == 400
        assert ask(client, "[" * 100_000)[0] == 400
        # A verdict that changes is taken up with the next review.
        keep(verdicts, [verdict(GOOD, "fail")])
        assert not ask(client, review(pod(f"x@{GOOD}")))[1]["response"]["allowed"]
        client.request("GET", "/readyz")
        assert client.getresponse().read() == b'{"ready": true}'
        client.close()


def test_it_is_started_again_on_its_port_and_answers_as_before(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    port = 0
    for _ in range(2):
        with serving(Judge(verdicts=verdicts), pair, port) as server:
            port = server.server_port
            client = connect(server, pair[0])
            assert not ask(client, review(pod(f"x@{BAD}")))[1]["response"]["allowed"]
            client.close()


def test_a_client_that_does_not_trust_it_or_is_silent_holds_nobody_up(
    verdicts: Path, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    other = certificate(tmp_path, "other")
    with serving(Judge(verdicts=verdicts), pair) as server:
        silent = http.client.HTTPConnection("127.0.0.1", server.server_port)
        silent.connect()
        with pytest.raises(ssl.SSLCertVerificationError):
            once(server, other[0])
        client = connect(server, pair[0])
        assert ask(client, review(pod(f"x@{BAD}")))[0] == 200
        client.close()
        silent.close()


@pytest.mark.slow
def test_a_thousand_silent_connections_hold_no_review_up(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    keep(verdicts, [verdict(GOOD, decided=datetime.now(UTC))])
    with serving(Judge(verdicts=verdicts), pair) as server, ExitStack() as stack:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", server.server_port), timeout=60)
            stack.enter_context(one)
        client = connect(server, pair[0])
        assert ask(client, review(pod(f"x@{GOOD}")))[1]["response"]["allowed"]
        client.close()


def test_a_new_certificate_is_taken_up_and_a_broken_one_is_not(
    verdicts: Path, tmp_path: Path
) -> None:
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    held = tmp_path / "tls.crt", tmp_path / "tls.key"
    put(first, held)
    with serving(Judge(verdicts=verdicts), held) as server:
        assert once(server, first[0]) == 200
        held[0].write_text("broken")
        assert once(server, first[0]) == 200
        assert "cannot be used" in server.said[0]  # type: ignore[attr-defined]  # as above
        put(second, held)
        assert once(server, second[0]) == 200


def once(server: Webhook, ca: Path) -> int:
    """A review on a connection of its own: the status of the answer."""
    with closing(connect(server, ca)) as client:
        return ask(client, review(pod(f"x@{BAD}")))[0]


def put(source: tuple[Path, Path], held: tuple[Path, Path]) -> None:
    for one, other in zip(source, held, strict=True):
        other.write_bytes(one.read_bytes())


@pytest.mark.parametrize("broken", ["cert", "key", "none", "of another"])
def test_it_does_not_start_with_a_certificate_that_is_no_use(
    verdicts: Path, pair: tuple[Path, Path], tmp_path: Path, broken: str
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    chosen = {
        "cert": (wrong, pair[1]),
        "key": (pair[0], wrong),
        "none": (pair[0], tmp_path / "nowhere"),
        "of another": (pair[0], certificate(tmp_path, "other")[1]),
    }[broken]
    with pytest.raises(InputError, match="cannot be used") as refused:
        Webhook(Judge(verdicts=verdicts), address=("127.0.0.1", 0), pair=chosen, say=print)
    assert refused.value.remedy


def raw(server: Webhook, ca: Path, sent: bytes) -> bytes:
    """All that it says to these bytes, until it closes the connection."""
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", server.server_port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(sent)
        return b"".join(iter(lambda: link.recv(65536), b""))


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n",
        b"POST / HTTP/1.1\r\nContent-Length : 2\r\n",
        b"POST / HTTP/1.1\r\nHost: a\nContent-Length: 2\r\n",
        b"POST / HTTP/1.1\r\nno field\r\n",
        b"POST /\r\n",
        b"HEAD /readyz HTTP/1.1\r\n",
        b"\x16\x03\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    verdicts: Path, pair: tuple[Path, Path], head: bytes
) -> None:
    with serving(Judge(verdicts=verdicts), pair) as server:
        said = raw(server, pair[0], head + b"\r\n{}GET /healthz HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1


def test_requests_may_follow_each_other_and_wait_for_leave_to_send(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    body = json.dumps(review(pod(f"x@{BAD}"))).encode()
    asks = b"GET /healthz HTTP/1.1\r\n\r\nPOST /?timeout=5s HTTP/1.1\r\nexpect: 100-Continue\r\n"
    asks += b"content-length: %d\r\nConnection: close\r\n\r\n" % len(body)
    with serving(Judge(verdicts=verdicts), pair) as server:
        said = raw(server, pair[0], asks + body)
    heads = [one.partition(b"\r\n")[0] for one in said.split(b"HTTP/1.1 ")[1:]]
    assert heads == [b"200 OK", b"100 Continue", b"200 OK"]
    assert b"failed it" in said


@pytest.mark.slow
def test_a_killed_server_answers_nothing_and_the_next_one_at_once(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    keep(verdicts, [verdict(GOOD, decided=datetime.now(UTC))])
    port = free_port()
    for _ in range(2):
        server = serve(verdicts, pair, port)
        context = ssl.create_default_context(cafile=str(pair[0]))
        client = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
        try:
            assert ask(client, review(pod(f"x@{GOOD}")))[1]["response"]["allowed"] is True
            assert ask(client, review(pod(f"x@{BAD}")))[1]["response"]["allowed"] is False
        finally:
            server.kill()
            server.wait()
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(client, review(pod(f"x@{GOOD}")))
        client.close()


@pytest.mark.slow
@pytest.mark.timing
def test_500_reviews_a_second_are_all_answered_rightly_on_half_a_cpu(
    verdicts: Path, pair: tuple[Path, Path]
) -> None:
    """Waits depend on who else is at work: they are in benchmarks/README.md."""
    keep(verdicts, [verdict(one, word, datetime.now(UTC)) for one, word in JUDGED.items()])
    port = free_port()
    server = serve(verdicts, pair, port)
    try:
        before = cpu_s(server.pid)
        seen = load(pair[0], port, 4.0)
        used = cpu_s(server.pid) - before
    finally:
        server.kill()
        server.wait()
    assert sum(len(one.waits) for one in seen) == 2000
    assert sum(one.wrong for one in seen) == 0
    assert used < 2.0, "CPU seconds of 4: with its clients there is room for 500 a second on two"


def manifests(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    with pytest.raises(SystemExit, match="0"):
        main(["rollout", "manifests", *argv])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["items"]
    for one in found:
        kubernetes_validate.validate(one, "1.31", strict=True)
    return found


def test_manifests_keep_to_kubernetes_schemas_and_fail_closed(
    capsys: pytest.CaptureFixture[str], pair: tuple[Path, Path]
) -> None:
    image = f"r.example/lab@{GOOD}"
    found = manifests(capsys, "admission", "--image", image, "--ca", str(pair[0]))
    assert [one["kind"] for one in found] == [
        "Deployment", "Service", "ValidatingWebhookConfiguration",
    ]  # fmt: skip
    (hook,) = found[2]["webhooks"]
    assert (hook["failurePolicy"], hook["sideEffects"]) == ("Fail", "None")
    for tool, word in (("argocd", "argocd.argoproj.io/hook"), ("flux", "kustomize.toolkit")):
        (job,) = manifests(capsys, tool, f"x@{GOOD}", "--image", image)
        assert any(name.startswith(word) for name in job["metadata"]["annotations"])
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["args"][-1] == GOOD
        assert container["command"] == ["lab"], "whatever the image's entrypoint is"


def kept(results: Path, name: str, wall: float, origin: Origin) -> None:
    with store.create(results, factories.run(name, origin=origin)) as writer:
        for number, value in enumerate(factories.noisy(wall), 1):
            writer.append(factories.build(number, value))
        writer.finish("complete")


@pytest.mark.parametrize(("wall", "code"), [(1.0, 0), (2.0, 4)])
def test_a_gates_verdict_holds_a_merge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wall: float, code: int
) -> None:
    results, folder = tmp_path / "results", tmp_path / "verdicts"
    commit = "c" * 40
    kept(results, "one", 1.0, Origin(commit="a" * 40, dirty=False))
    kept(results, "two", wall, Origin(commit=commit, dirty=False))
    argv = ["--baseline", "one", "--candidate", "two", "--results", str(results)]
    argv += ["--verdicts", str(folder), "--image", f"r.example/app@{GOOD}"]
    with pytest.raises(SystemExit) as ended:
        main(["gate", *argv])
    assert ended.value.code == code
    assert len(list(folder.iterdir())) == 2
    hook = tmp_path / "pre-receive"
    capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main(["rollout", "manifests", "git", "--verdicts", str(folder)])
    hook.write_text(capsys.readouterr().out)
    for asked in (commit, f"r.example/app@{GOOD}"):
        with pytest.raises(SystemExit) as ended:
            main(["rollout", "check", asked, "--verdicts", str(folder)])
        assert ended.value.code == code
    lab = tmp_path / "bin" / "lab"
    lab.parent.mkdir()
    lab.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexit {code}\n')
    lab.chmod(0o755)
    pushed = f"{'0' * 40} {commit} refs/heads/main\n{'0' * 40} {'d' * 40} refs/heads/topic\n"
    done = subprocess.run(
        ["sh", str(hook)], input=pushed, text=True, check=False, env={"PATH": f"{lab.parent}:/bin"}
    )
    assert done.returncode == (1 if code else 0)
    asked_for = (tmp_path / "asked").read_text().splitlines()
    assert asked_for == [f"rollout check --verdicts {folder} {commit}"]


@pytest.mark.parametrize("text", ["app:v1", "sha256:abc", "../../etc/passwd", "c" * 39, ""])
def test_what_is_no_digest_and_no_commit_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        subject(text)
