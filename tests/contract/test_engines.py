"""What every engine must hold, the simulated one included: one suite, unchanged for all."""

from __future__ import annotations

import json
from contextlib import closing

import docker
import pytest

from lab.engines.image_archive import configurations
from lab.engines.protocol import ImageArchive
from lab.model import events
from lab.model.errors import LabError, SourceError
from lab.model.events import Outcome
from lab.runner.recorder import BuildOutcome
from tests.contract.conftest import BASE, Bench

MULTI = (
    "FROM BASE AS a\nRUN echo a\nFROM BASE AS unused\nRUN echo never\n"
    "FROM BASE\nENV X=1\nCOPY --from=a /etc/hostname /h\nCOPY foo /foo\nRUN echo done\n"
)
HIT, MISS, SKIPPED, FAILED = Outcome.HIT, Outcome.MISS, Outcome.SKIPPED, Outcome.FAILED


def counted(outcome: BuildOutcome) -> list[Outcome | None]:
    return [step.outcome for step in outcome.steps if step.counted]


def test_cold_then_unchanged_then_one_file_changed(bench: Bench) -> None:
    unused = MISS if bench.family == "docker-classic" else SKIPPED  # it builds every stage
    cold = bench.build(MULTI, {"foo": "1"}, cold=True)
    assert cold.status == "ok", cold.reason
    assert counted(cold) == [MISS, unused, MISS, MISS, MISS]
    again = bench.build(MULTI, {"foo": "1"})
    assert again.cache.rate == 1.0
    assert again.image_id == cold.image_id
    changed = bench.build(MULTI, {"foo": "2"})
    unused = HIT if bench.family == "docker-classic" else SKIPPED
    assert counted(changed) == [HIT, unused, HIT, MISS, MISS]


def test_a_cold_build_forgets_what_was_built_and_its_own_result_is_kept(bench: Bench) -> None:
    text = "FROM BASE\nRUN echo twice\n"
    for _ in range(2):
        assert counted(bench.build(text, cold=True)) == [MISS]
        assert counted(bench.build(text)) == [HIT]


def test_every_stream_keeps_the_rules_of_events(bench: Bench) -> None:
    outcome = bench.build(MULTI, {"foo": "x" * 5000}, cold=True)
    told = bench.events
    assert isinstance(told[-1], events.Finished)
    assert [event.at for event in told] == sorted(event.at for event in told)
    raw = [json.loads(event.data) for event in told if isinstance(event, events.Raw)]
    assert raw
    assert all(isinstance(message, dict) for message in raw)
    sent = [event for event in told if isinstance(event, events.ContextSent)]
    assert len(sent) == 1
    assert sent[0].size == outcome.context_bytes
    assert sent[0].size >= 5000
    steps = [e for e in told if isinstance(e, events.StepStarted | events.StepEnded)]
    assert {event.step for event in steps} <= {step.index for step in outcome.steps}


def test_times_are_told_as_three_numbers(bench: Bench) -> None:
    text = (
        "FROM BASE AS a\nRUN sleep 1\nFROM BASE AS b\nRUN sleep 1.5\n"
        "FROM BASE\nCOPY --from=a /etc/hostname /a\nCOPY --from=b /etc/hostname /b\n"
    )
    outcome = bench.build(text, cold=True)
    assert outcome.status == "ok", outcome.reason
    assert outcome.steps_s >= 2.5
    assert 1.5 <= outcome.critical_path_s < outcome.steps_s
    assert outcome.wall_s >= 1.5
    assert outcome.unattributed_s < outcome.wall_s
    by_text = {step.instruction: step for step in outcome.steps}
    assert (by_text["RUN sleep 1"].duration_s or 0) >= 1.0
    assert (by_text["RUN sleep 1.5"].duration_s or 0) >= 1.5


def test_a_failing_run_is_told_with_its_step_and_output(bench: Bench) -> None:
    text = "FROM BASE\nRUN echo before\nRUN echo why-it-broke; exit 7\nRUN echo after\n"
    outcome = bench.build(text, cold=True)
    assert outcome.status == "failed"
    assert "7" in (outcome.reason or "")
    assert counted(outcome) == [MISS, FAILED, SKIPPED]
    assert "why-it-broke" in (outcome.log_tail or "")
    assert outcome.image_id is None
    failures = [event for event in bench.events if isinstance(event, events.BuildError)]
    assert [event.code for event in failures] == [7]


def test_a_base_that_does_not_exist_fails_the_build(bench: Bench) -> None:
    outcome = bench.build("FROM localhost/lab/no-such-base:0\nRUN echo x\n")
    assert outcome.status == "failed"
    assert outcome.reason
    assert counted(outcome) == [SKIPPED]


def test_a_target_builds_only_what_it_needs(bench: Bench) -> None:
    text = "FROM BASE AS first\nRUN echo one\nFROM BASE AS second\nRUN echo two\n"
    outcome = bench.build(text, cold=True, target="first")
    assert outcome.status == "ok", outcome.reason
    assert counted(outcome) == [MISS, SKIPPED]


def test_a_build_argument_changes_the_steps_after_it(bench: Bench) -> None:
    text = "FROM BASE\nRUN echo before\nARG WHO=one\nRUN echo $WHO\n"
    bench.build(text, cold=True, build_args={"WHO": "one"})
    assert counted(bench.build(text, build_args={"WHO": "one"})) == [HIT, HIT]
    assert counted(bench.build(text, build_args={"WHO": "two"})) == [HIT, MISS]


def test_an_argument_before_the_first_from_names_the_base(bench: Bench) -> None:
    text = "ARG FROM_WHAT=scratch\nFROM ${FROM_WHAT}\nRUN echo hello\n"
    outcome = bench.build(text, cold=True, build_args={"FROM_WHAT": BASE})
    assert outcome.status == "ok", outcome.reason
    assert counted(outcome) == [MISS]


def test_stages_that_build_on_stages(bench: Bench) -> None:
    text = "FROM BASE AS a\nRUN echo a\nFROM a AS b\nRUN echo b\nFROM b\nRUN echo c\n"
    assert counted(bench.build(text, cold=True)) == [MISS, MISS, MISS]
    assert counted(bench.build(text)) == [HIT, HIT, HIT]


def test_the_same_run_in_two_stages_is_told_for_both(bench: Bench) -> None:
    text = (
        "FROM BASE AS a\nRUN echo same\nFROM BASE AS b\nRUN echo same\n"
        "FROM BASE\nCOPY --from=a /etc/hostname /a\nCOPY --from=b /etc/hostname /b\n"
    )
    outcome = bench.build(text, cold=True)
    assert outcome.status == "ok", outcome.reason
    assert None not in counted(outcome)
    assert SKIPPED not in counted(outcome)
    assert set(counted(bench.build(text))) == {HIT}


def test_output_that_looks_like_the_engine_is_output(bench: Bench) -> None:
    lie = "0123456789abcdef" * 4
    text = (
        "FROM BASE\n"
        f"RUN echo '--> Using cache {lie}'; echo ' ---> Using cache'; echo 'STEP 3/3: RUN echo x'\n"
        "RUN echo second\n"
    )
    assert counted(bench.build(text, cold=True)) == [MISS, MISS]


def test_marks_are_read_out_of_the_output(bench: Bench) -> None:
    text = "FROM BASE\nRUN echo ::lab-mark staging 1.25; echo ::lab-mark other 9\n"
    outcome = bench.build(text, cold=True, marks=("staging",))
    assert outcome.marks == {"staging": 1.25}


def test_an_image_is_known_by_its_id_size_and_layers(bench: Bench) -> None:
    outcome = bench.build("FROM BASE\nCOPY foo /foo\nRUN echo x > /x\n", {"foo": "1"}, cold=True)
    image = bench.engine.inspect("localhost/lab/test:built")
    base = bench.engine.inspect(BASE)
    assert image.id.split(":")[-1] == (outcome.image_id or "").split(":")[-1]
    assert image.layers == (base.layers or 0) + 2
    assert (image.size_bytes or 0) > (base.size_bytes or 0) > 0


def test_a_base_is_loaded_as_it_is_and_once(bench: Bench, bookworm: ImageArchive) -> None:
    before = bench.engine.inspect(bookworm.ref)
    bench.engine.ensure(bookworm)
    assert bench.engine.inspect(bookworm.ref) == before
    if "containerd" not in bench.engine.facts().storage:  # that store's id is the manifest's digest
        assert before.id == bookworm.id


def test_a_loaded_base_has_the_layers_of_its_archive(
    real_bench: Bench, bookworm: ImageArchive
) -> None:
    """Whatever an image store takes for an id: asked past the lab's adapters."""
    assert bookworm.path is not None
    wanted = configurations(bookworm.path)[bookworm.ref]
    with closing(docker.APIClient(base_url=real_bench.engine.facts().endpoint)) as api:
        found = api.inspect_image(bookworm.ref)
    assert found["RootFS"]["Layers"] == wanted["rootfs"]["diff_ids"]


def test_an_image_that_is_nowhere_is_a_source_error(bench: Bench) -> None:
    with pytest.raises(SourceError):
        bench.engine.inspect("localhost/lab/nowhere:1")
    with pytest.raises(LabError):
        bench.engine.tag("localhost/lab/nowhere:1", "localhost/lab/nowhere:2")


def test_facts_name_the_engine_and_its_machine(real_bench: Bench) -> None:
    facts = real_bench.engine.facts()
    assert facts.private
    assert facts.version[0].isdigit()
    assert facts.storage
    assert facts.host.kernel
    assert facts.host.cpus
    assert (facts.host.memory_bytes or 0) > 1e9
