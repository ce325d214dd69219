"""What is killed by tests/chaos/kills.py, how it goes on, and what must hold of it then."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lab.engines.private import start_docker
from lab.host.paths import cache_dir
from tests import factories, image_archives
from tests.chaos.leftovers import Place

LOGS = Path(__file__).parents[1] / "golden" / "imported"
ENDED = "ended"  # is made behind a start that came to its end
VALUES, PHASES, ROUNDS = ("a", "b"), ("cold", "rebuild", "edit:instruction"), 2
EXPECTED = {(value, number, phase) for value in VALUES for number in (1, 2) for phase in PHASES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """``again`` gives the next start's words, None where there is no more to start.

    ``before`` is what was on disk at the kill, ``wrong`` what does not hold in the end.
    """

    prepare: Callable[[Place], None]
    words: Callable[[Place], list[str]]
    again: Callable[[Place], list[str] | None]
    before: Callable[[Place], bytes]
    wrong: Callable[[Place, bytes], list[str]]


def verb(name: str, stack: ExitStack) -> Verb:
    """The verb of this name; what it needs is kept until the stack ends."""
    if name == "users-docker":
        return _users(stack)
    return {
        "run": partial(_run, "simulated"),
        "docker": partial(_run, "docker", "--private"),
        "podman": partial(_run, "podman", "--private"),
        "compare": _compare,
        "import": _import,
        "replay": _replay,
        "validate": _validate,
    }[name]()


def _scenario(place: Place, engine: str) -> None:
    own = place.folder / "own"
    own.mkdir()
    (own / "a.txt").write_text("a\n")
    text = "ARG BASE\nFROM $BASE\nARG AXIS\nCOPY a.txt /a.txt\nRUN echo $AXIS && sleep 0.2\n"
    (own / "Dockerfile").write_text(text)
    said = {
        "name": "killed",
        "engines": [engine],
        "bases": ["bookworm"],
        "workload": {"context": "own", "dockerfile": "Dockerfile"},
        "axes": {"AXIS": VALUES},
        "phases": PHASES,
        "rounds": ROUNDS,
    }
    (place.folder / "killed.yaml").write_text(json.dumps(said))
    place.cache.mkdir(exist_ok=True)
    bases = cache_dir() / "bases"
    bases.mkdir(exist_ok=True)
    (place.cache / "bases").symlink_to(bases)


def _run(engine: str, *more: str) -> Verb:
    def again(place: Place) -> list[str] | None:
        heads = list(place.results.glob("*/run.json"))
        if not heads:
            return ["run", "killed.yaml", *more, "--quiet"]
        (head,) = heads
        if json.loads(head.read_text())["status"] == "partial":
            return ["run", "--resume", str(head.parent), *more[-1:], "--quiet"]
        reported = list(place.results.glob("*/report.png"))  # the last that is written
        return None if reported else ["report", str(head.parent)]

    def private(place: Place) -> list[str] | None:
        words = again(place)
        return words if words is None or more[:1] == ("--private",) else _without(words, more)

    return Verb(
        prepare=lambda place: _scenario(place, engine),
        words=lambda _: ["run", "killed.yaml", *more, "--quiet"],
        again=private,
        before=_lines,
        wrong=_records,
    )


def _without(words: list[str], more: tuple[str, ...]) -> list[str]:
    """A run goes on with the engines that it was started with."""
    return [word for word in words if word not in more] if "--resume" in words else words


def _lines(place: Place) -> bytes:
    """The whole lines of the only run, as they are on disk."""
    found = b"".join(path.read_bytes() for path in place.results.glob("*/builds.jsonl"))
    return found[: found.rfind(b"\n") + 1]


def _records(place: Place, before: bytes) -> list[str]:
    return list(_record_faults(place, before))


def _record_faults(place: Place, before: bytes) -> Iterator[str]:
    folders = [path for path in place.results.glob("*") if (path / "run.json").exists()]
    if len(folders) != 1:
        yield f"{len(folders)} runs"
        return
    (folder,) = folders
    data = (folder / "builds.jsonl").read_bytes()
    if not data.startswith(before):
        yield "lost: what was on disk at the kill is not there any more"
    builds = [json.loads(line) for line in data.splitlines()]
    found = {_triple(build) for build in builds}
    if found != EXPECTED:
        yield f"lost: {sorted(EXPECTED - found)}, beyond: {sorted(found - EXPECTED)}"
    if len({build["id"] for build in builds}) != len(EXPECTED):
        yield "one build has two ids"
    then = [json.loads(line) for line in before.splitlines()]
    whole = Counter(_triple(build)[:2] for build in then if build["status"] == "ok")
    twice = [one for one, count in Counter(map(_triple, builds)).items() if count > 1]
    if doubled := [one for one in twice if whole[one[:2]] >= len(PHASES)]:
        yield f"doubled: {doubled}"
    if bad := [build["id"] for build in builds if build["status"] != "ok"]:
        yield f"not ok: {bad}"
    head = json.loads((folder / "run.json").read_text())
    if (head["status"], head["builds"]) != ("complete", len(EXPECTED)):
        yield f"the head says {head['status']}, {head['builds']} builds"
    for build in builds:
        if build["status"] == "skipped":  # it was never begun
            continue
        gzip.decompress((folder / "events" / f"{build['id']}.jsonl.gz").read_bytes())


def _triple(build: dict[str, Any]) -> tuple[str, int, str]:
    return build["cell"]["AXIS"], build["round"], build["phase"]


def _users(stack: ExitStack) -> Verb:
    """A run on a daemon that is a user's: what is in it lists the same before and after."""
    daemon = stack.enter_context(start_docker(factories.quiet))
    host = daemon.endpoint
    empty = image_archives.layer(image_archives.member("theirs", b"1"))
    subprocess.run(
        ["docker", "--host", host, "import", "-", "theirs:1"],
        input=empty,
        check=True,
        capture_output=True,
    )
    plain, theirs = _run("docker", "--engine", f"docker={host}"), _listed(host)

    def wrong(place: Place, before: bytes) -> list[str]:
        there = _listed(host)
        extra = [f"in the user's Docker: {one}" for one in sorted(there ^ theirs)]
        ids = [one.split()[1] for one in there - theirs if one.startswith("image")]
        remove = ["docker", "--host", host, "image", "rm", "--force", *ids]
        subprocess.run(remove, check=False, capture_output=True)  # the next kill starts as this did
        return [*plain.wrong(place, before), *extra]

    return Verb(
        prepare=plain.prepare,
        words=plain.words,
        again=plain.again,
        before=plain.before,
        wrong=wrong,
    )


def _listed(host: str) -> set[str]:
    """Images, containers, networks and volumes, as docker's own client lists them."""
    found = set()
    for words in (
        ["image", "ls", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"],
        ["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}"],
        ["network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"],
        ["volume", "ls", "--format", "{{.Name}}"],
    ):
        done = subprocess.run(
            ["docker", "--host", host, *words], check=True, capture_output=True, text=True
        )
        found |= {f"{words[0]} {line}" for line in done.stdout.splitlines()}
    return found


def _compare() -> Verb:
    """Within a stored run: it reads, and must leave what it reads as it is."""

    def prepare(place: Place) -> None:
        shutil.copytree(LOGS.parents[1] / "fixtures/runs-0.1/two-engines", place.results / "old")

    def wrong(place: Place, before: bytes) -> list[str]:
        return [] if _digests(place) == before else ["what it compared is not as it was"]

    words = ["compare", "--run", "results/old", "--axis", "engine", "docker", "podman"]
    words += ["--format", "json=compared.json"]

    def again(place: Place) -> list[str] | None:
        try:
            json.loads((place.folder / "compared.json").read_text())
        except (OSError, ValueError):
            return words
        return None

    return Verb(prepare=prepare, words=lambda _: words, again=again, before=_digests, wrong=wrong)


def _digests(place: Place) -> bytes:
    found = {
        str(path.relative_to(place.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.results.rglob("*"))
        if path.is_file()
    }
    return json.dumps(found).encode()


def _import() -> Verb:
    names = ("buildx0.29-docker28-cold.dockerbuild", "podman5.4-warm.log", "podman4.3-cold.log")
    words = ["import", "--scenario", "app", *(str(LOGS / name) for name in names)]

    def wrong(place: Place, before: bytes) -> list[str]:
        del before
        heads = [path.read_text() for path in place.results.glob("*/run.json")]
        told = sorted(json.loads(head)["status"] for head in heads)
        return [] if len(told) == len(names) else [f"runs: {told}"]

    return Verb(
        prepare=lambda _: None,
        words=lambda _: words,
        again=_once(words),
        before=_lines,
        wrong=wrong,
    )


def _replay() -> Verb:
    def prepare(place: Place) -> None:
        own = place.folder / "repo"
        own.mkdir()
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", "-C", str(own)]
        subprocess.run([*git, "init", "-q"], check=True)
        (own / "Dockerfile").write_text("FROM debian\nCOPY a /a\nRUN true\nCOPY . .\n")
        for number in range(8):
            (own / ("a" if number % 3 else "b")).write_text(f"{number}\n")
            subprocess.run([*git, "add", "."], check=True)
            subprocess.run([*git, "commit", "-qm", f"change {number}"], check=True)

    def wrong(place: Place, before: bytes) -> list[str]:
        return [] if _repository(place) == before else ["the repository is not as it was"]

    return Verb(
        prepare=prepare,
        words=lambda _: ["replay", "--repo", "repo", "--json"],
        again=_once(["replay", "--repo", "repo", "--json"]),
        before=_repository,
        wrong=wrong,
    )


def _repository(place: Place) -> bytes:
    listed = sorted(str(path) for path in (place.folder / "repo").rglob("*"))
    return json.dumps([name.removeprefix(str(place.folder)) for name in listed]).encode()


def _validate() -> Verb:
    def prepare(place: Place) -> None:
        member = image_archives.member
        layer = image_archives.layer(member("etc/os-release", b"ID=debian\nVERSION_ID=12\n"))
        image_archives.archive(place.folder / "image.tar", [layer], {"Env": ["PATH=/bin"]})

    words = ["validate", "image.tar", "--format", "json=said.json", "--format", "junit=said.xml"]

    def wrong(place: Place, before: bytes) -> list[str]:
        del before
        json.loads((place.folder / "said.json").read_text())
        return []

    return Verb(
        prepare=prepare,
        words=lambda _: words,
        again=_once(words),
        before=lambda _: b"",
        wrong=wrong,
    )


def _once(words: list[str]) -> Callable[[Place], list[str] | None]:
    def again(place: Place) -> list[str] | None:
        return None if (place.folder / ENDED).exists() else words

    return again
