"""Claims: reading them, holding samples against them, going on where a run stopped."""

from __future__ import annotations

import random
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cli.commands import bench
from lab.golang.bench.outcome import Outcome, Series
from lab.golang.claims import experiments, loader, verify
from lab.golang.claims import settings as known_settings
from lab.golang.claims.experiments import Ground
from lab.golang.claims.file_schema import Expect
from lab.golang.claims.judge import Answer, Finding, judge, overall
from lab.golang.goroot.home import Home
from lab.model.errors import InputError, Interrupted, MissingPrerequisite
from lab.report import claims as report
from tests.factories import noisy

SHIPPED = Path(__file__).parents[3] / "scenarios/claims/goroot-report.yaml"
RATIO = Expect(part="p", series="new", against="old", ratio=0.583)


def outcome(**series: list[float]) -> Outcome:
    return Outcome(
        experiment="x",
        settings={},
        series={name: Series(samples=tuple(found)) for name, found in series.items()},
    )


@pytest.mark.parametrize(
    ("scale", "answer"),
    [
        (0.583, Answer.REPRODUCED),
        (1.0, Answer.NOT_REPRODUCED),
        (0.9, Answer.NOT_REPRODUCED),
        (1.3, Answer.CONTRADICTED),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_claimed_ratio(scale: float, answer: Answer, seed: int) -> None:
    seen = outcome(new=noisy(10 * scale, seed=seed), old=noisy(10, seed=seed + 100))
    found = judge(RATIO, seen, None)
    assert found.answer is answer
    assert found.count == 10
    assert found.interval is not None
    assert found.interval[0] <= found.interval[1]


@settings(max_examples=25)  # an undecided one forecasts rounds: it takes its time
@given(st.floats(0.2, 5), st.integers(0, 99))
def test_a_claim_of_less_is_a_claim_of_more_the_other_way_round(scale: float, seed: int) -> None:
    """Whichever of the two is called the baseline, the answer is the same."""
    new, old = noisy(scale, seed=seed), noisy(1, seed=seed + 1)
    one = Expect(part="p", series="new", against="old", ratio=0.5, within=0.2)
    other = Expect(part="p", series="old", against="new", ratio=2, within=0.2)
    first = judge(one, outcome(new=new, old=old), None).answer
    assert judge(other, outcome(new=new, old=old), None).answer is first


def test_five_pairs_are_too_few() -> None:
    found = judge(RATIO, outcome(new=[1.0] * 5, old=[2.0] * 5), None)
    assert found.answer is Answer.CANNOT
    assert "too few" in found.measured


@pytest.mark.parametrize(
    ("medians", "answer"),
    [
        ((1.0, 2.0, 3.0), Answer.REPRODUCED),
        ((1.0, 1.0, 3.0), Answer.NOT_REPRODUCED),
        ((1.0, 3.0, 2.0), Answer.CONTRADICTED),
    ],
)
def test_an_order(medians: tuple[float, float, float], answer: Answer) -> None:
    expect = Expect(part="p", order=["a", "b", "c"])
    series = {name: noisy(scale, seed=3) for name, scale in zip("abc", medians, strict=True)}
    assert judge(expect, outcome(**series), None).answer is answer


def test_what_is_claimed_is_said_also_where_it_cannot_be_tested() -> None:
    seen = outcome(**{"a/x": [1.0], "b/x": [1.0]})
    for expect, said in [
        (Expect(part="p", series="a/x", value=0.3, needs=["nvme"]), "300 ms, give or take 10 %"),
        (Expect(part="p", order=["a/x", "b/x"]), "a < b (x)"),
        (Expect(part="p", series="a/x", against="b/x", ratio=0.5), "a 0.5 times b (x), give or "),
        (Expect(part="p", series="gone", at_least=3), "at least 3"),
    ]:
        found = judge(expect, seen, "it is not here")
        assert (found.answer, found.measured) == (Answer.CANNOT, "it is not here")
        assert found.claimed.startswith(said)


def test_an_order_of_what_is_the_same_is_not_reproduced() -> None:
    """A difference that is sure, but smaller than what is called the same, is no order."""
    old = noisy(10, seed=1)
    seen = outcome(a=[one * 0.97 for one in old], b=old)
    found = judge(Expect(part="p", order=["a", "b"]), seen, None)
    assert found.answer is Answer.NOT_REPRODUCED
    assert "0.970" in found.measured


@pytest.mark.parametrize("scale", [0.85, 1.15])
def test_a_stated_margin_is_what_a_difference_must_exceed(scale: float) -> None:
    """Where a host's state moves figures by some per cent, a claim says what counts for one."""
    old = noisy(10, seed=1)
    seen = outcome(a=[one * scale for one in old], b=old)
    strict = judge(Expect(part="p", order=["a", "b"]), seen, None)
    assert strict.answer is (Answer.REPRODUCED if scale < 1 else Answer.CONTRADICTED)
    found = judge(Expect(part="p", order=["a", "b"], margin=0.25), seen, None)
    assert found.answer is Answer.NOT_REPRODUCED
    assert f"{scale:.3f}" in found.measured
    assert "same within 25 %" in found.measured
    assert found.interval is not None
    far = outcome(a=[one * scale**4 for one in old], b=old)
    assert judge(Expect(part="p", order=["a", "b"], margin=0.25), far, None).answer is (
        Answer.REPRODUCED if scale < 1 else Answer.CONTRADICTED
    )


@pytest.mark.parametrize("seed", range(5))
def test_equality_needs_a_test_of_equivalence(seed: int) -> None:
    """Samples that swing widely show no difference, and that does not make them equal."""
    expect = Expect(part="p", series="new", against="old", ratio=1.0, within=0.05)
    old = noisy(10, seed=seed)
    chooser = random.Random(seed)
    wild = [one * chooser.choice([0.7, 1.4]) for one in old]
    assert judge(expect, outcome(new=noisy(10, seed=seed + 9), old=old), None).answer is (
        Answer.REPRODUCED
    )
    assert judge(expect, outcome(new=wild, old=old), None).answer is Answer.NOT_REPRODUCED
    slow = [one * 1.3 for one in old]
    assert judge(expect, outcome(new=slow, old=old), None).answer is Answer.CONTRADICTED


def test_the_word_for_no_difference_is_told_apart_from_cannot_tell() -> None:
    old = noisy(10, seed=2)
    wild = [one * (0.6 if place % 2 else 1.5) for place, one in enumerate(old)]
    same = judge(RATIO, outcome(new=[one * 1.001 for one in old], old=old), None)
    unsure = judge(RATIO, outcome(new=wild, old=old), None)
    assert same.answer is unsure.answer is Answer.NOT_REPRODUCED
    assert "same within 5 %" in same.measured
    assert "undecided" in unsure.measured


def test_a_wide_interval_does_not_reproduce_a_value() -> None:
    expect = Expect(part="p", series="a", value=10, within=0.1)
    assert judge(expect, outcome(a=[1, 1, 1, 1, 1, 30]), None).answer is Answer.NOT_REPRODUCED
    assert judge(expect, outcome(a=noisy(10, seed=1)), None).answer is Answer.REPRODUCED


def test_counts_need_no_interval() -> None:
    seen = Outcome(
        experiment="x", settings={}, series={"calls": Series(samples=(1.0,), unit="count")}
    )
    for expect, answer in [
        (Expect(part="p", series="calls", value=1), Answer.REPRODUCED),
        (Expect(part="p", series="calls", value=2), Answer.CONTRADICTED),
        (Expect(part="p", series="calls", at_least=3), Answer.CONTRADICTED),
        (Expect(part="p", series="calls", at_most=1), Answer.REPRODUCED),
    ]:
        assert judge(expect, seen, None).answer is answer


def test_what_is_missing_is_said_with_its_reason() -> None:
    seen = Outcome(experiment="x", settings={}, missing={"tmpfs": "only root may mount"})
    found = judge(Expect(part="p", series="tmpfs/stat", value=1), seen, None)
    assert (found.answer, found.measured) == (Answer.CANNOT, "only root may mount")


@given(st.lists(st.sampled_from(list(Answer)), min_size=1))
def test_a_claims_answer_is_the_gravest_of_those_that_were_tested(answers: list[Answer]) -> None:
    found = [Finding(part="p", answer=answer, claimed="", measured="") for answer in answers]
    tested = [answer for answer in answers if answer is not Answer.CANNOT]
    assert overall(found) is (min(tested, key=list(Answer).index) if tested else Answer.CANNOT)


def test_the_shipped_claims_can_be_made() -> None:
    claims, _ = loader.load(SHIPPED)
    assert len(claims.claims) == 11
    for claim in claims.claims:
        for quick in (False, True):
            stated = verify.settings_of(claim, quick=quick)
            if claim.experiment in {"resolution", "recompile", "kernel"}:
                assert "rounds" not in stated  # they count what is the same every time
            else:
                assert int(stated["rounds"]) >= 6  # fewer pairs have no interval


@pytest.mark.parametrize(
    ("sound", "broken", "said"),
    [
        ("experiment: links", "experimint: links", "experimint"),
        ("value: 42.8}", "value: often}", "value"),
        ("id: resolution", "id: Resolution!", "id"),
        ("needs: [kubernetes]}", "ratio: 3}", "series and against"),
        ("experiment: links", "experiment: linx", "one of goroot, .*did you mean 'links'"),
        ('quick: {rounds: "12"}', 'quick: {ronds: "12"}', "did you mean 'rounds'"),
        ('rounds: "200"', "rounds: many", "a whole number of at least 1"),
        ("kinds: [here, tmpfs]", "kinds: [here, ramfs]", "any of here, tmpfs"),
        ("settings: {go: [1.22.10, 1.23.9]}", "settings: {go: 1.22.10}", "two, such as"),
        ("needs: [nvme, cpus 28]", "needs: [nvme, cpus many]", "cpus and their number"),
        ("needs: [kubernetes]}", "needs: [mainframe]}", "one of nvme, kubernetes"),
    ],
)
def test_mistakes_have_their_place(sound: str, broken: str, said: str) -> None:
    text = SHIPPED.read_text().replace(sound, broken, 1)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if broken in line)
    with pytest.raises(InputError, match=rf"(?m)^c\.yaml:{number}:\d+: .*{said}"):
        loader.parse(text, Path("c.yaml"))


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = """\
name: n
source: {titel: t}
claims:
  - id: one
    says: s
    experiment: links
    settings: {rouds: 3, rounds: {a: b}, files: many}
    expect: [{part: p, needs: [mainframe, {}]}]
  - id: one
    experiment: linx
    quick: 3
    expect: [3]
"""
    with pytest.raises(InputError) as caught:
        loader.parse(text, Path("c.yaml"))
    told = [line.removeprefix("c.yaml:") for line in caught.value.message.splitlines()]
    said = {
        2: "titel", 7: "rouds.*did you mean 'rounds'", 8: "the need 'mainframe'",
        9: "the id 'one' again", 10: "did you mean 'links'", 11: "quick", 12: "expect",
    }  # fmt: skip
    for number, what in said.items():
        assert any(re.match(rf"{number}:\d+: .*{what}", line) for line in told), (what, told)
    assert any(re.match(r"7:\d+: 'many' for files", line) for line in told), told


@pytest.mark.slow
def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    text = SHIPPED.read_text()
    schema = loader.FORMAT.json_schema()
    jsonschema.validate(yaml.safe_load(text), schema)
    jsonschema.validate(yaml.safe_load(text.replace('"127"', "127")), schema)
    assert loader.parse(text.replace('"127"', "127"), SHIPPED)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text.replace("part:", "port:", 1)), schema)


def test_every_experiment_says_its_settings() -> None:
    assert set(experiments.EXPERIMENTS) == set(known_settings.KNOWN) == set(bench.EXPERIMENTS)
    for name, known in known_settings.KNOWN.items():
        assert not known_settings.mistakes(name, {of: one.otherwise for of, one in known.items()})


def test_settings_on_the_command_line() -> None:
    found = known_settings.of_words(["kernels=6.1,quiet", "kernels=5.10"], "kernel")
    assert found == {"kernels": ["6.1,quiet", "5.10"]}
    found = known_settings.of_words(["kinds=ext4,xfs", "ext4 options=noatime,discard"], "fs")
    assert found == {"kinds": ["ext4", "xfs"], "ext4 options": "noatime,discard"}


@pytest.mark.slow
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        loader.parse(text, Path("c.yaml"))
    except InputError as error:
        if "c.yaml:" not in error.message:
            raise


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(home=Home(tmp_path / "go"), results=tmp_path, say=lambda _: None)


def test_a_stop_is_no_failed_experiment(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> Outcome:
        raise Interrupted("stopped by SIGTERM")

    monkeypatch.setattr(experiments, "run", stopped)
    claims, _ = loader.load(SHIPPED)
    with pytest.raises(Interrupted):
        verify.verify(claims.claims[0], tmp_path, ground, quick=True)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, _ = loader.load(SHIPPED)
    claim = next(one for one in claims.claims if one.id == "build-time-by-place")
    made = []
    names = {f"{place}/gocache cold, pages warm/wall": place for place in ("disk", "home", "shm")}

    def made_up(_name: str, settings: object, _ground: Ground) -> Outcome:
        made.append(settings)
        if len(made) == 1:
            raise MissingPrerequisite("the disk was away")
        return outcome(**{name: noisy(10, seed=len(made)) for name in names})

    monkeypatch.setattr(experiments, "run", made_up)
    failed = verify.verify(claim, tmp_path, ground, quick=True)
    assert failed.answer is Answer.CANNOT
    assert "the disk was away" in failed.findings[0].measured
    first = verify.verify(claim, tmp_path, ground, quick=True)  # a failed one is made again
    again = verify.verify(claim, tmp_path, ground, quick=True)
    assert len(made) == 2
    assert first.findings == again.findings
    assert first.answer is Answer.NOT_REPRODUCED
    verify.verify(claim, tmp_path, ground, quick=False)  # other settings are another experiment
    assert len(made) == 3
    page = report.html(claims, [first], host={"kernel": "<6>"}, quick=True)
    assert "&lt;6&gt;" in page
    text = report.markdown(claims, [first], host={}, quick=True)
    assert "**not reproduced**" in text
