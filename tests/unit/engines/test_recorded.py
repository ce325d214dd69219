"""Builds recorded elsewhere: files that real clients wrote, and bytes that nobody wrote.

The files were made of tests/golden/imported/Dockerfile by the versions in their names; what came
out of each (cold, warm, an edit of main.go, a RUN that exits with 3) is known from how it was made.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dockerfile.parser import parse
from lab.engines.recorded import build_record, files
from lab.engines.recorded.types import Recorded
from lab.model.errors import InputError
from lab.runner.recorder import BuildOutcome, BuildRecorder

GOLDEN = Path(__file__).parents[2] / "golden" / "imported"
# Spans are of another Dockerfile: test_recorded_otlp.
FILES = sorted(
    path
    for path in GOLDEN.iterdir()
    if path.name not in {"Dockerfile", "README.md"} and not path.name.endswith(".otlp.json")
)
COLD, WARM, EDIT = (0, 8), (8, 0), (6, 2)

# file -> engine, timing, hits and misses of each build, None where it failed
TRUTH: dict[str, tuple[str, str, list[tuple[int, int] | None]]] = {
    "bake-action2024-canceled.dockerbuild": ("docker", "clock", [None] * 4),
    "build-push-action2024.dockerbuild": ("docker", "clock", [(0, 1)]),
    "buildah1.39-cold.log": ("podman", "none", [(1, 7)]),  # go.mod's COPY was there before
    "buildah1.43-nolayers.log": ("podman", "none", [COLD]),
    "buildah1.43-warm.log": ("podman", "none", [WARM]),
    "buildx0.13-cold.plain.log": ("docker", "durations", [COLD]),
    "buildx0.13-edit.rawjson": ("docker", "clock", [EDIT]),
    "buildx0.29-bake.dockerbuild": ("docker", "clock", [(0, 3), COLD]),
    "buildx0.29-bake.plain.log": ("docker", "durations", [(0, 11)]),
    "buildx0.29-containerd-edit.dockerbuild": ("docker", "clock", [EDIT]),
    "buildx0.29-docker28-cold.dockerbuild": ("docker", "clock", [COLD]),
    "buildx0.29-docker28-fail.dockerbuild": ("docker", "clock", [None]),
    "buildx0.29-edit.plain.log": ("docker", "durations", [EDIT]),
    "buildx0.29-edit.rawjson": ("docker", "clock", [EDIT]),
    "buildx0.29-fail.plain.log": ("docker", "durations", [None]),
    "buildx0.29-fail.rawjson": ("docker", "clock", [None]),
    "buildx0.29-github.log": ("docker", "clock", [COLD]),
    "buildx0.29-gitlab.log": ("docker", "clock", [EDIT, None]),
    "buildx0.29-heredoc.plain.log": ("docker", "durations", [(0, 3)]),
    "buildx0.29-history-logs-fail.rawjson": ("docker", "clock", [None]),
    "buildx0.29-two-platforms.rawjson": ("docker", "clock", [(1, 2)]),
    "buildx0.29-warm.plain.log": ("docker", "durations", [WARM]),
    "docker20.10-cold.plain.log": ("docker", "durations", [COLD]),
    "docker20.10-fail.plain.log": ("docker", "durations", [None]),
    "docker20.10-warm.classic.log": ("docker-classic", "none", [WARM]),
    "docker28-cold.classic.log": ("docker-classic", "none", [COLD]),
    "docker28-fail.classic.log": ("docker-classic", "none", [None]),
    "docker28-stamped.classic.log": ("docker-classic", "clock", [COLD]),
    "podman4.3-cold.log": ("podman", "none", [COLD]),
    "podman4.3-jobs3.log": ("podman", "none", [COLD]),
    "podman4.3-rusage-edit.log": ("podman", "durations", [EDIT]),
    "podman5.4-fail.log": ("podman", "none", [None]),
    "podman5.4-warm.log": ("podman", "none", [WARM]),
    "podman5.8-debug.log": ("podman", "clock", [COLD]),
    "podman5.8-rusage-edit.log": ("podman", "durations", [EDIT]),
}


def told(name: str, dockerfile: str | None = None) -> list[Recorded]:
    known = None if dockerfile is None else parse(dockerfile)
    return list(files.read(GOLDEN / name, known, None))


def built(one: Recorded) -> BuildOutcome:
    recorder = BuildRecorder(one.dockerfile, one.target)
    for event in one.told():
        recorder.add(event)
    return recorder.result()


def test_every_file_has_its_truth() -> None:
    assert {path.name for path in FILES} == TRUTH.keys()


@pytest.mark.parametrize("name", TRUTH)
def test_what_real_clients_wrote_is_read(name: str) -> None:
    engine, timing, truth = TRUTH[name]
    found = told(name)
    assert [one.engine for one in found] == [engine] * len(truth)
    assert {one.timing for one in found} == {timing}
    for one, expected in zip(found, truth, strict=True):
        outcome = built(one)
        assert outcome.status == ("failed" if expected is None else "ok"), outcome.reason
        if expected is not None:
            assert (outcome.cache.hits, outcome.cache.misses) == expected


@pytest.mark.parametrize("name", [name for name in TRUTH if "-fail" in name])
def test_a_failure_names_its_step_and_its_exit_code(name: str) -> None:
    outcome = built(told(name)[0])
    failed = [step for step in outcome.steps if step.outcome == "failed"]
    assert [step.instruction for step in failed] == [
        "RUN echo before; sleep 0.1; echo oh no >&2; exit 3"
    ]
    assert "3" in (outcome.reason or "")
    if "history-logs" not in name:
        assert "oh no" in (outcome.log_tail or "")


def test_two_formats_tell_the_same_of_one_build() -> None:
    """The record of a build, in protobuf, and what its client printed meanwhile, in JSON."""
    record, printed = (
        {step.instruction: step for step in built(told(name)[0]).steps if step.duration_s}
        for name in ("buildx0.29-containerd-edit.dockerbuild", "buildx0.29-edit.rawjson")
    )
    shared = {text for text in record.keys() & printed.keys() if not text.startswith("FROM")}
    assert len(shared) >= 2
    for text in shared:
        assert record[text].outcome == printed[text].outcome
        assert record[text].duration_s == pytest.approx(printed[text].duration_s, abs=1e-3)


def test_a_record_has_its_dockerfile_times_and_origin() -> None:
    (one,) = told("buildx0.29-docker28-cold.dockerbuild")
    with tarfile.open(GOLDEN / "buildx0.29-docker28-cold.dockerbuild") as tar:
        documents = [tar.extractfile(member) for member in tar if member.isfile()]
        parsed = [json.loads(one.read()) for one in documents if one and one.peek(1)[:1] == b"{"]
    record = next(one for one in parsed if "Ref" in one)
    created, completed = record["CreatedAt"], record["CompletedAt"]
    wall = completed["seconds"] - created["seconds"]
    wall += (completed["nanos"] - created["nanos"]) / 1e9
    assert one.whole
    assert one.dockerfile.text == (GOLDEN / "Dockerfile").read_text()
    assert one.wall_s == pytest.approx(wall, abs=1e-3)
    assert one.started == pytest.approx(created["seconds"] + created["nanos"] / 1e9, abs=1e-3)
    assert one.key == one.facts["reference"] == record["Ref"]
    assert one.facts["commit"] == record["FrontendAttrs"]["vcs:revision"]
    assert one.facts["repository"] == "https://example.org/demo/app.git"
    assert one.image == record["ExporterResponse"].get("containerimage.config.digest") or one.image


def test_a_given_dockerfile_gives_a_log_its_whole_steps() -> None:
    text = (GOLDEN / "Dockerfile").read_text()
    for name in ("buildx0.29-edit.plain.log", "buildx0.13-edit.rawjson", "podman5.4-warm.log"):
        (one,) = told(name, text)
        assert one.whole
        steps = built(one).steps
        assert [step.instruction for step in steps] == [i.text for i in parse(text).instructions]
        assert (built(one).cache.hits, built(one).cache.misses) in {EDIT, WARM}


def test_stages_of_a_log_keep_their_names_and_their_order() -> None:
    (one,) = told("podman4.3-cold.log")
    assert [stage.name for stage in one.dockerfile.stages] == ["deps", "build", "tools", "stage-3"]
    assert one.dockerfile.stages[1].parent == 0
    assert one.dockerfile.instructions[4].text == "FROM deps AS build"
    (one,) = told("buildx0.13-edit.rawjson")
    order = [stage.name for stage in one.dockerfile.stages]
    assert order.index("deps") < order.index("build") < order.index("stage-3")


def test_what_a_step_prints_is_no_step() -> None:
    (one,) = told("buildx0.29-heredoc.plain.log")
    assert [step.instruction.split(" ")[0] for step in built(one).steps] == ["FROM"] + ["RUN"] * 3


def test_a_log_of_two_builds_gives_two_with_times_of_day() -> None:
    first, second = told("buildx0.29-gitlab.log")
    assert first.started is not None
    assert second.started is not None
    assert first.wall_s is not None
    assert first.started + first.wall_s <= second.started + 0.01


def test_stages_side_by_side_say_no_hit_that_cannot_be_placed() -> None:
    text = (GOLDEN / "podman4.3-jobs3.log").read_text()
    cached = text.replace("--> 137b9535288\n", f"--> Using cache {'1' * 64}\n--> 137b9535288\n")
    (one,) = files.builds(io.BytesIO(cached.encode()), "log")
    assert {step.outcome for step in built(one).steps} == {None}


GITHUB = """\
2024-05-15T08:46:01.0000000Z ##[group]Run actions/checkout@v4
2024-05-15T08:46:01.1000000Z Syncing repository: example/app
2024-05-15T08:46:02.0000000Z [command]/usr/bin/git checkout --progress --force -B main refs/remotes/origin/main
2024-05-15T08:46:02.1000000Z [command]/usr/bin/git log -1 --format=%H
2024-05-15T08:46:02.2000000Z 0cc1946822ab5fae02bd40f30b2e41fbad489513
"""  # noqa: E501 (a log's line)


def test_a_ci_log_tells_commit_branch_and_job() -> None:
    built = (GOLDEN / "buildx0.29-github.log").read_text()
    end = "2026-11-28T10:00:00.0000000Z Complete job name: image\n"
    (one,) = files.builds(io.BytesIO(f"{GITHUB}{built}{end}".encode()), "log")
    assert one.facts["commit"] == "0cc1946822ab5fae02bd40f30b2e41fbad489513"
    assert one.facts["branch"] == "main"
    assert one.facts["repository"] == "example/app"
    assert (one.facts["ci"], one.facts["job"]) == ("github", "image")


def read_all(data: bytes) -> None:
    """Whatever the bytes: builds, or an InputError that names the file."""
    try:
        for one in files.builds(io.BytesIO(data), "name"):
            outcome = built(one)
            assert outcome.status in {"ok", "failed", "engine-lost"}
            json.dumps([step.duration_s for step in outcome.steps], allow_nan=False)
    except InputError as error:
        said = error
    else:
        return
    assert said.message.startswith("name: ")
    assert said.remedy


@settings(deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_give_builds_or_an_error(data: bytes) -> None:
    read_all(data)


@pytest.mark.slow
@settings(deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_in_a_gzip_give_builds_or_an_error(data: bytes) -> None:
    read_all(gzip.compress(data, 1))


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_file_gives_builds_or_an_error(path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    if content[:2] == build_record.GZIP_MAGIC and data.draw(st.booleans()):
        content = gzip.decompress(content)
    content = bytearray(content)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    read_all(bytes(content[: data.draw(st.integers(0, len(content)))]))


LINES = st.sampled_from(
    [
        "#1 [internal] load build definition from Dockerfile",
        "#1 DONE 0.0s",
        "#2 [a 1/2] FROM x@sha256:" + "0" * 64,
        "#3 [a 2/2] RUN --mount=from=b x",
        "#4 [b 1/1] COPY --from=a / /",
        "#3 CACHED",
        "#4 ERROR: no",
        "ERROR: failed to solve: no",
        "STEP 1/2: FROM x",
        "[1/2] STEP 1/2: FROM b AS a",
        "[2/2] STEP 1/2: FROM " + "0" * 64 + " AS b",
        "[2/2] STEP 2/2: COPY --from=0 / /",
        "[1/2] STEP 2/2: RUN x",
        "STEP 2/2: COPY --from=9 / /",
        "--> Using cache " + "0" * 64,
        "--> 000000000000",
        "0" * 64,
        "COMMIT x",
        "Step 1/2 : FROM a",
        "Step 2/2 : COPY --from=0 / /",
        " ---> 000000000000",
        "Successfully built 000000000000",
        "{",
        "}",
        '{"vertexes":[{"digest":"a","inputs":["b"],"name":"[a 1/2] RUN x","started":'
        '"0001-01-01T00:00:00Z"}]}',
        '{"vertexes":[{"digest":"b","inputs":["a"],"name":"[b 1/2] RUN x","error":"no"}]}',
        '{"logs":[{"vertex":"a","data":"!"}]}',
        "2024-05-15T08:46:01.0000000Z #5 [b 2/2] RUN y",
    ]
)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(st.lists(LINES, max_size=30))
def test_lines_in_any_order_give_builds_or_an_error(lines: list[str]) -> None:
    read_all("\n".join(lines).encode())


def archive(members: Iterator[tuple[str, bytes]] | list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1)


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        list(files.builds(io.BytesIO(data), "name"))
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_record, "_UNPACKED", 1 << 20)
    assert "unpacks to more than 1 MiB" in refused(gzip.compress(bytes(64 << 20), 9))


def test_an_archive_without_a_record_says_so() -> None:
    assert "without a build record" in refused(archive([("index.json", b'{"manifests":[]}')]))
    assert "index.json: it is not in the archive" in refused(archive([("x", b"")]))


def test_an_index_that_names_itself_ends() -> None:
    place = "blobs/sha256/" + "0" * 64
    index: dict[str, Any] = {"manifests": [{"digest": "sha256:" + "0" * 64}] * 3}
    data = json.dumps(index).encode()
    assert "without a build record" in refused(archive([("index.json", data), (place, data)]))


def test_deep_json_is_refused() -> None:
    assert "no JSON" in refused(archive([("index.json", b'{"manifests":' + b"[" * 100_000)]))


def test_a_torn_record_is_said_to_be_cut_off() -> None:
    data = (GOLDEN / "buildx0.29-docker28-cold.dockerbuild").read_bytes()
    assert "cut off" in refused(data[: len(data) // 2])
