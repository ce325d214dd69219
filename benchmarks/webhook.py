"""500 reviews a second at the admission webhook: ``python -m benchmarks.webhook [RUNS]``.

`lab rollout serve` in a process of its own, over TLS, 40 seconds the first run and 20 each further
one. Four processes on the last CPU, which the server leaves to them, with a kept connection each,
send reviews of a pod with two images (6 KB, as an API server's are) at set times; waits count from
those, so that a late answer counts for all that stand behind it; where the client itself was woken
late, from its sending. A third each has a verdict that passes, one that fails, and none; answers
are held against that. Then the server is killed under the same load and started again.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path

from lab.results.gate.verdicts import Verdict, keep

RATE, CLIENTS = 500, 4
CPUS = sorted(os.sched_getaffinity(0))
LOAD_S, RESTART_S = 20.0, 10.0
DIGESTS = {word: f"sha256:{digit * 64}" for word, digit in (("pass", "a"), ("fail", "b"))}
NONE = f"sha256:{'c' * 64}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one client saw: seconds from when each request was due to its answer, how many answers
    were wrong, and the moments at which it had none.
    """

    waits: list[float]
    wrong: int
    lost: list[float]


def main() -> None:
    """Print the tables of benchmarks/README.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        keep(
            folder / "verdicts",
            [Verdict(subject=DIGESTS[one], outcome=one, policy="default", baseline="a",
                     candidate="b", decided=now) for one in DIGESTS],
        )  # fmt: skip
        pair = certificate(folder)
        port = free_port()
        server = serve(folder / "verdicts", pair, port)
        try:
            load(pair[0], port, 3.0)  # warms up
            head()
            for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
                before = cpu_s(server.pid)
                seen = load(pair[0], port, LOAD_S)
                show(seen, cpu_s(server.pid) - before)
            clients = begin(pair[0], port, RESTART_S)
            time.sleep(RESTART_S / 3)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = serve(folder / "verdicts", pair, port)
            restarted(end(clients))
        finally:
            server.kill()
            server.wait()


def head() -> None:
    print("| reviews a second | reviews | wrong or lost | p50, ms | p99 | p99.9 | worst "
          "| server's CPU, ms a review |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")


def show(seen: Sequence[Asked], used: float) -> None:
    """The figures of one run."""
    waits = sorted(wait * 1000 for one in seen for wait in one.waits)
    cuts = statistics.quantiles(waits, n=1000)
    bad = sum(one.wrong + len(one.lost) for one in seen)
    print(f"| {len(waits) / LOAD_S:.0f} | {len(waits)} | {bad} | {cuts[499]:.2f} | {cuts[989]:.2f} "
          f"| {cuts[998]:.2f} | {waits[-1]:.2f} | {used * 1000 / len(waits):.2f} |")  # fmt: skip


def restarted(seen: Sequence[Asked]) -> None:
    """What the clients saw of the server's end and start."""
    lost = sorted(at for one in seen for at in one.lost)
    print(f"\nKilled and started again under that load: no answer for {lost[-1] - lost[0]:.2f} s "
          f"({len(lost)} reviews, which `failurePolicy: Fail` refuses), "
          f"{sum(one.wrong for one in seen)} wrong answers before and after.")  # fmt: skip


def review(digest: str) -> bytes:
    """A review of a pod with two images, the second one good, and fields that nobody reads."""
    fields: dict[str, object] = {f"f:field-{n}": {"f:value": {}} for n in range(150)}
    images = [f"r.example/app@{digest}", f"r.example/side@{DIGESTS['pass']}"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "managedFields": [{"fieldsV1": fields}]},
        "spec": {"containers": [{"name": f"c{n}", "image": i} for n, i in enumerate(images)]},
    }
    request = {"uid": "705ab4f5", "operation": "CREATE", "object": pod}
    asked = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(asked).encode()


def client(ca: Path, port: int, seconds: float, first: int, answers: Queue[Asked]) -> None:
    """Ask at set times, and put what was seen."""
    os.sched_setaffinity(0, CPUS[-1:])
    context = ssl.create_default_context(cafile=str(ca))
    reviews = [(review(DIGESTS["pass"]), True), (review(DIGESTS["fail"]), False)]
    reviews.append((review(NONE), False))
    waits: list[float] = []
    lost: list[float] = []
    wrong, link = 0, None
    start = time.monotonic() + 0.5
    for number in range(int(seconds * RATE / CLIENTS)):
        due = start + (number * CLIENTS + first) / RATE
        if (idle := due - time.monotonic()) > 0:
            time.sleep(idle)
            due = time.monotonic()  # a client that is woken late is no wait for the server
        body, passes = reviews[number % 3]
        try:
            if link is None:
                link = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
            link.request("POST", "/?timeout=5s", body, {"Content-Type": "application/json"})
            told = json.loads(link.getresponse().read())
        except (OSError, http.client.HTTPException):
            lost.append(time.monotonic())
            link = None
            continue
        waits.append(time.monotonic() - due)
        wrong += told["response"]["allowed"] is not passes
    answers.put(Asked(waits, wrong, lost))


def begin(
    ca: Path, port: int, seconds: float
) -> tuple[Queue[Asked], list[multiprocessing.Process]]:
    """The clients, at work."""
    answers: Queue[Asked] = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=client, args=(ca, port, seconds, n, answers))
        for n in range(CLIENTS)
    ]
    for process in processes:
        process.start()
    return answers, processes


def end(clients: tuple[Queue[Asked], list[multiprocessing.Process]]) -> list[Asked]:
    """What each of them saw."""
    answers, processes = clients
    found = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return found


def load(ca: Path, port: int, seconds: float) -> list[Asked]:
    """What all clients saw in so many seconds."""
    return end(begin(ca, port, seconds))


def serve(verdicts: Path, pair: tuple[Path, Path], port: int) -> subprocess.Popen[bytes]:
    """The webhook, once it answers."""
    command = [sys.executable, "-m", "lab", "rollout", "serve", "--verdicts", verdicts]
    command += ["--cert", pair[0], "--key", pair[1], "--port", str(port), "--host", "127.0.0.1"]
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    os.sched_setaffinity(server.pid, CPUS[:-1] or CPUS)
    ended = time.monotonic() + 20
    while time.monotonic() < ended and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return server
    raise RuntimeError("the webhook does not listen")


def certificate(folder: Path) -> tuple[Path, Path]:
    """One for loopback, by openssl."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return cert, key


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, its threads included."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


if __name__ == "__main__":
    main()
