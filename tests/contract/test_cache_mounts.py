"""What of cache mounts and of COPY --link is in each engine's key, against the rules of the lab.

Each pair is built on a fresh RUN; whether the second build hits is compared with the prediction.
"""

from __future__ import annotations

import itertools

import pytest

from lab.caching.predict import CacheSimulator, predict
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules, make
from lab.dockerfile.context import Context
from lab.engines.features import parse_version
from lab.model.events import Outcome
from tests.contract.conftest import BASE, Bench

NUMBERS = itertools.count()
USUAL = "type=cache,target=/c"
PAIRS = [
    (USUAL, USUAL),
    (f"{USUAL},id=a", f"{USUAL},id=b"),
    (f"{USUAL},id=a,sharing=shared", f"{USUAL},id=a,sharing=locked"),
    (USUAL, f"{USUAL},id=other"),
    (USUAL, f"{USUAL},sharing=locked"),
    (USUAL, f"{USUAL},id=/c"),
    (USUAL, f"{USUAL},sharing=shared"),
    (USUAL, f"{USUAL},mode=0700"),
    (USUAL, "target=/c,type=cache"),
    (f"{USUAL},id=a", f"{USUAL},id=/c"),
    (f"{USUAL},id=a,sharing=private", f"{USUAL},id=b,sharing=locked"),
    (f"{USUAL},id=a,mode=0700", f"{USUAL},id=b,mode=0700"),
    (USUAL, "type=cache,target=/d"),
]


def built_as_predicted(bench: Bench, texts: list[str]) -> list[Outcome | None]:
    """The outcomes of the last of several builds, which the rules foretell step by step."""
    facts = bench.engine.facts()
    rules = archive_rules(facts.name, facts.version, facts.storage)
    memory = CacheSimulator()
    files = {"f": texts[0]}
    for number, text in enumerate(texts):
        full = text.replace("BASE", BASE)
        context = Context.of_files({**files, "Dockerfile": full})
        prediction = predict(make(parser.parse(full), context), rules, memory)
        outcome = bench.build(text, files, cold=number == 0)
        assert outcome.status == "ok", outcome.reason
    for step in outcome.steps:
        if step.outcome is not None:
            assert prediction.outcomes[step.index] is step.outcome, (texts, step.instruction)
    return [step.outcome for step in outcome.steps]


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_cache_mounts_count_as_the_rules_say(real_bench: Bench, pair: tuple[str, str]) -> None:
    number = next(NUMBERS)
    texts = [f"FROM BASE\nRUN --mount={mount} echo {number}\n" for mount in pair]
    if real_bench.refuses(texts[0]):
        private = real_bench.family == "podman" and "sharing=private" in texts[0]
        assert private or real_bench.family == "docker-classic"  # that one has no mounts at all
        return
    built_as_predicted(real_bench, texts)


def test_a_linked_copy_depends_on_the_steps_before_it_as_the_rules_say(real_bench: Bench) -> None:
    text = "FROM BASE\nRUN echo %s >/b\nCOPY --link f /f\nRUN cat /f\n"
    facts = real_bench.engine.facts()
    if real_bench.refuses(text % "one", {"f": "1"}):
        old = {"docker": (23,), "podman": (5,)}.get(real_bench.family)
        assert old is None or parse_version(facts.version) < old
        return
    _, ran, copied, after = built_as_predicted(real_bench, [text % "one", text % "two"])
    assert (ran, after) == (Outcome.MISS, Outcome.MISS)
    assert copied is (Outcome.HIT if "containerd" in facts.storage else Outcome.MISS)
