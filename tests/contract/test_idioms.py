"""ONBUILD and here-documents on the engines: the outcomes are what the rules foretell."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lab.caching.explain.misses import explain
from lab.caching.predict import CacheSimulator, predict
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.triggers import Triggers
from lab.images.triggers import triggers
from lab.model.events import Outcome
from tests.contract.conftest import BASE, Bench

NUMBERS = itertools.count()
Build = tuple[str, Mapping[str, str], Mapping[str, str]]  # text, files, build arguments


def last_of(
    bench: Bench, builds: Sequence[Build], images: Triggers | None = None
) -> tuple[list[Outcome | None], str]:
    """The outcomes of the last of several builds, all foretold, and the causes that are named.

    ``images`` are the triggers of base images.
    """
    facts = bench.engine.facts()
    rules = archive_rules(facts.name, facts.version, facts.storage)
    memory = CacheSimulator()
    predictions = []
    for number, (text, files, args) in enumerate(builds):
        full = text.replace("BASE", BASE)
        context = Context.of_files({**files, "Dockerfile": full})
        inputs = make(parser.parse(full, args, images), context, build_args=args)
        predictions.append(predict(inputs, rules, memory))
        cold = number == 0 and not images  # which a cold build would forget
        outcome = bench.build(text, dict(files), cold=cold, build_args=dict(args))
        assert outcome.status == "ok", outcome.reason
    for step in outcome.steps:
        if step.outcome is not None:
            assert predictions[-1].outcomes[step.index] is step.outcome, step.instruction
    roots = explain(predictions[-1], predictions[:-1], rules).roots
    causes = " ".join(f"{one.kind} {one.subject}" for root in roots for one in root.causes)
    return [step.outcome for step in outcome.steps], causes


def test_a_trigger_runs_in_the_stage_from_it_and_in_none_below_that(real_bench: Bench) -> None:
    text = (
        f"FROM BASE AS p\nRUN echo {next(NUMBERS)} trigger\nONBUILD COPY a /a\n"
        "FROM p AS q\nRUN echo q\nFROM q\nRUN echo x\n"
    )
    same, causes = last_of(real_bench, [(text, {"a": "1", "b": "1"}, {})] * 2)
    assert (same[-1], causes) == (Outcome.HIT, "")
    changed: list[Build] = [(text, {"a": "1"}, {}), (text, {"a": "2"}, {})]
    found, causes = last_of(real_bench, changed)
    assert [found[1], found[4], found[6]] == [Outcome.HIT, Outcome.MISS, Outcome.MISS]
    assert causes == "file a"


def test_triggers_of_a_base_are_read_out_of_its_image(real_bench: Bench, tmp_path: Path) -> None:
    engine, base = real_bench.engine, "localhost/lab/test-base:onbuild"
    text = "FROM BASE\nRUN : first\nONBUILD COPY a /a\nONBUILD RUN : second\n"
    assert real_bench.build(text, tag=base).status == "ok"
    with (tmp_path / "base.tar").open("wb") as out:
        out.writelines(engine.export(base))
    images = triggers([f"{base}={tmp_path / 'base.tar'}"])
    assert images == {base: ("COPY a /a", "RUN : second")}
    text = f"FROM {base}\nCOPY b /b\nRUN : own {next(NUMBERS)}\n"
    first, other = {"a": f"{next(NUMBERS)} a", "b": "1"}, {"a": f"{next(NUMBERS)} a", "b": "1"}
    same, causes = last_of(real_bench, [(text, first, {})] * 2, images)
    assert (same[-1], causes) == (Outcome.HIT, "")
    found, causes = last_of(real_bench, [(text, first, {}), (text, other, {})], images)
    assert (found[-2:], causes) == ([Outcome.MISS, Outcome.MISS], "file a")


HEREDOCS = [
    ("COPY <<'EOF' /raw\n$N x\nEOF\n", Outcome.HIT),
    ('COPY <<"EOF" /raw\n$N x\nEOF\n', Outcome.HIT),
    ("COPY <<EOF /raw\n$N x\nEOF\n", Outcome.MISS),
    ("COPY <<-EOF /raw\n\t$N x\n\tEOF\n", Outcome.MISS),
    ("COPY <<'A' <<B /x/\nq$N\nA\nw\nB\n", Outcome.HIT),
    ("ADD --chmod=755 <<'A' <<B /x/\nq\nA\nw$N\nB\n", Outcome.MISS),
]


@pytest.mark.parametrize(("copy", "expected"), HEREDOCS)
def test_variables_in_here_documents_count_unless_in_quotes(
    real_bench: Bench, copy: str, expected: Outcome
) -> None:
    text = f"FROM BASE\nRUN echo {next(NUMBERS)} heredoc\nARG N\n{copy}"
    if real_bench.refuses(text):
        return
    found, causes = last_of(real_bench, [(text, {}, {"N": "1"}), (text, {}, {"N": "2"})])
    assert found[-1] is expected
    assert expected is Outcome.HIT or "arg N" in causes


@pytest.mark.parametrize("first", ["COPY <<-EOF /raw", "RUN <<-EOF"])
def test_tabs_after_a_dash_do_not_count(real_bench: Bench, first: str) -> None:
    head = f"FROM BASE\nRUN echo {next(NUMBERS)} tabs\n{first}\n"
    texts = [f"{head}{tabs}true\n\tEOF\n" for tabs in ("\t", "\t\t")]
    if real_bench.refuses(texts[0]):
        return
    found, _ = last_of(real_bench, [(text, {}, {}) for text in texts])
    assert found[-1] is Outcome.HIT


EXCLUDES = [
    ("*.md .", "a.md", Outcome.HIT),
    ("*.md .", "d/c.md", Outcome.MISS),
    ("**/*.md --exclude=!**/k.md .", "d/c.md", Outcome.HIT),
    ("**/*.md --exclude=!**/k.md .", "d/k.md", Outcome.MISS),
    ("*.md d", "d/c.md", None),
    ("d/*.md d", "d/c.md", None),
    ("*.md d* a", "dx.md", None),
]


@pytest.mark.parametrize(("what", "edited", "expected"), EXCLUDES)
def test_what_is_excluded_does_not_count(
    real_bench: Bench, what: str, edited: str, expected: Outcome | None
) -> None:
    """None: docker matches below the folders that sources name, podman from the root."""
    text = f"FROM BASE\nRUN echo {next(NUMBERS)} exclude\nCOPY --exclude={what} /e/\n"
    names = ("a", "a.md", "d/c.md", "d/k.md", "dx.md")
    files = dict.fromkeys(names, "1")
    if real_bench.refuses(text, files):
        return
    found, _ = last_of(real_bench, [(text, files, {}), (text, {**files, edited: "2"}, {})])
    below = real_bench.family == "docker"
    usual = Outcome.HIT if (what == "*.md d") is below else Outcome.MISS
    assert found[-1] is (usual if expected is None else expected)


def test_an_argument_that_chooses_a_stage_is_named(real_bench: Bench) -> None:
    number = next(NUMBERS)
    text = (
        f"ARG V=prod\nFROM BASE AS dev\nRUN echo dev {number}\nFROM BASE AS prod\n"
        f"RUN echo prod {number}\nFROM ${{V}} AS final\nRUN echo final\n"
    )
    # podman 4.3.1 takes a default for an image's name: both values are given
    found, causes = last_of(real_bench, [(text, {}, {"V": "prod"}), (text, {}, {"V": "dev"})])
    assert found[-1] is Outcome.MISS
    assert set(causes.split()) == {"arg", "V"}
