"""What damaged files lead to: an answer or one of the lab's errors, never a traceback."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.dockerfile import dockerignore
from lab.engines import classic
from lab.engines.docker_stream import read
from lab.model.errors import InputError
from lab.model.events import Log, Lost, Raw
from lab.results import history, runs
from lab.validate.probes import seccomp_profile
from tests import captures, factories
from tests.chaos import fuzz
from tests.chaos.formats import Format, table

COUNTS = {"ELF": 10, "Dockerfile": 20, "claims": 20, "records": 60}  # the slow ones


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, fuzz._hang)
    yield
    signal.signal(signal.SIGPROF, before)


@pytest.mark.slow
@pytest.mark.parametrize("name", table(Path()))
def test_damaged_files_are_survived(name: str, tmp_path: Path, alarm: None) -> None:
    count = COUNTS.get(name, 150)
    tally = fuzz.fuzz(name, table(tmp_path)[name], tmp_path, 7, range(count))
    assert not tally.finds
    assert tally.count == count


def test_what_is_no_error_of_the_lab_and_what_takes_too_long_is_found(
    tmp_path: Path, alarm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "LONGEST_S", 0.05)
    whole = b"a valid file"

    def reader(_: Path) -> Any:
        def take(data: bytes) -> None:
            while data != whole and len(data) % 2:
                pass
            assert data == whole

        return take

    planted = Format(corpus=lambda: [whole], reader=reader)
    tally = fuzz.fuzz("planted", planted, tmp_path, 1, range(40))
    assert {where.split()[0] for where in tally.finds} == {"AssertionError", "Hang"}


def stored(results: Path, name: str, **differing: Any) -> Path:
    folder = results / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(factories.RUN.to_json() | differing))
    (folder / "builds.jsonl").write_text(json.dumps(factories.build(1).to_json()) + "\n")
    return folder


def test_one_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    stored(tmp_path, "a")
    (stored(tmp_path, "b") / "run.json").write_text("{")
    (stored(tmp_path, "c") / "builds.jsonl").write_text("{}\n")
    said: list[str] = []
    (series,) = history.history(tmp_path, say=said.append)
    assert len(series.points) == 1
    assert [text.split()[0] for text in said] == ["b", "c"]


def test_where_all_runs_are_damaged_the_error_names_the_file(tmp_path: Path) -> None:
    (stored(tmp_path, "b") / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"b/run\.json:1"):
        history.history(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"cell": {"engine": None}}, {"cell": {"engine": []}}, {"marks": {"a": "1"}},
        {"notes": [1]}, {"image": {"id": 1}}, {"cache": {"hits": [], "misses": 1, "skipped": 0}},
        {"wall_s": 1e300}, {"peak_memory_bytes": 10**80}, {"phase": []}, {"fit": []},
        {"dockerfile": "../../x"}, {"manifest": "/etc/passwd"}, {"manifest": "x" * 9000},
    ],
)  # fmt: skip
def test_a_record_that_says_what_cannot_be_is_refused_by_its_line(
    damage: dict[str, Any], tmp_path: Path
) -> None:
    folder = stored(tmp_path, "a")
    record = factories.build(1).to_json() | damage
    (folder / "builds.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(InputError, match=r"builds\.jsonl:1: not a record"):
        runs.read(folder)


@pytest.mark.parametrize("message", [b'{"stream":"\xff"}', b'{"stream":}'])
def test_a_message_that_is_no_json_ends_the_build_as_lost(message: bytes) -> None:
    decoder = classic.Decoder(captures.worded(captures.BUILT, "docker28.5.2"))
    found = list(read([message], decoder, 0.0))
    assert [type(event) for event in found] == [Lost]


def test_half_a_character_in_an_engines_message_is_shown_as_a_question_mark() -> None:
    decoder = classic.Decoder(captures.worded(captures.BUILT, "docker28.5.2"))
    found = list(read([b'{"stream":"a\\ud800b"}'], decoder, 0.0))
    assert any(isinstance(event, Raw) for event in found)
    assert b"".join(event.data for event in found if isinstance(event, Log)) in {b"", b"a?b"}


def test_a_dash_of_a_pattern_is_read_as_go_reads_it() -> None:
    """Go's Match has a dash begin or end no range but behind a backslash (match.go, getEsc)."""
    rules = dockerignore.parse("[+-\\-]x\n")
    assert [name for name in ["*x", "+x", ",x", "-x", ".x"] if rules.excludes(name)] == [
        "+x", ",x", "-x",
    ]  # fmt: skip
    with pytest.raises(InputError, match="cannot be read"):
        dockerignore.parse("[--0]x\n")


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "SCMP_ACT_ALLOW", "names": ["read"], "errnoRet": {}},
        {"action": "SCMP_ACT_ALLOW", "names": ["clone"], "args": [{"op": "x", "value": "1"}]},
        {"action": "SCMP_ACT_ALLOW", "names": ["read"], "includes": {"minKernel": "x"}},
        {"action": "SCMP_ACT_ALLOW", "names": ["read"], "excludes": {"caps": [[]]}},
    ],
)
def test_a_profile_with_values_of_another_type_is_refused(rule: dict[str, Any]) -> None:
    text = json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]})
    with pytest.raises(InputError, match="is not a seccomp profile"):
        seccomp_profile.parse(text, "p.json")
