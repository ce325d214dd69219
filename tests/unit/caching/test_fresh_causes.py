"""Why a fresh engine ran a step again: nothing restored, not readable, not in it, not taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.caching.explain.fresh_causes import explain_fresh, is_apart
from lab.caching.explain.model import MeasuredBuild
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, archive_rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.model.events import Outcome
from lab.model.record import Build, Cache, Step
from lab.model.remote_cache import Remote

TEXT = "FROM a AS tools\nRUN x\nFROM a\nCOPY src /src\nRUN y\nCOPY --from=tools /x /x\n"
HIT, MISS = Outcome.HIT, Outcome.MISS
RULES = archive_rules("docker", "28.5.2")


def inputs(source: bytes = b"one") -> CacheInputs:
    return make(
        parser.parse(TEXT), Context({"src": File(source)}), digest=lambda ref: f"sha256:{ref}"
    )


def build(
    phase: str,
    outcomes: tuple[Outcome, ...],
    strategy: str = "inline",
    failures: tuple[str, ...] = (),
) -> Build:
    parsed = parser.parse(TEXT)
    counted = [one for one in parsed.instructions if one.keyword != "FROM"]
    told = dict(zip([one.index for one in counted], outcomes, strict=True))
    return Build(
        id=phase,
        cell={"engine": "docker", "cache": strategy},
        round=1,
        phase=phase,
        status="ok",
        cache=Cache(hits=outcomes.count(HIT), misses=outcomes.count(MISS), skipped=0),
        steps=tuple(
            Step(
                index=one.index,
                stage=parsed.stages[one.stage or 0].name,
                instruction=one.text,
                outcome=told.get(one.index),
            )
            for one in parsed.instructions
        ),
        remote=None
        if strategy in {"none", "warm-disk"}
        else Remote(strategy=strategy, restored=phase != "cold", saved=True, failures=failures),
    )


def roots(now: Build, source: bytes = b"one") -> dict[str, str]:
    cold = MeasuredBuild(record=build("cold", (MISS,) * 4), inputs=inputs())
    found = explain_fresh(MeasuredBuild(record=now, inputs=inputs(source)), [cold], RULES)
    return {part.step.instruction: part.text for part in found.roots}


def test_only_what_was_built_elsewhere_is_apart() -> None:
    assert is_apart(build("fresh", (HIT,) * 4))
    assert is_apart(build("fresh:source", (HIT,) * 4, "none"))
    assert not is_apart(build("fresh:source", (HIT,) * 4, "warm-disk"))
    assert not is_apart(build("edit:source", (HIT,) * 4))


def test_where_nothing_was_restored_that_is_the_cause_of_all() -> None:
    said = set(roots(build("fresh", (MISS,) * 4, "none")).values())
    assert said == {"a fresh engine, and no cache was restored"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("127.0.0.1:5/lab/x:main: not found", "the registry has no such cache"),
        ('failed to do request: Head "http://x": connect: connection refused', "does not answer"),
        ("failed to authorize: no active sessions", "the registry refuses access"),
        ("unexpected status: 500 Internal Server Error", "the registry fails"),
        ("something else", "something else"),
    ],
)
def test_a_cache_that_could_not_be_read_says_why(error: str, said: str) -> None:
    now = build("fresh", (MISS,) * 4, failures=(f"import: {error}",))
    assert {text.startswith("the cache could not be read: ") for text in roots(now).values()} == {
        True
    }
    assert all(said in text for text in roots(now).values())


def test_a_cache_of_keys_alone_lacks_the_layers() -> None:
    found = roots(build("fresh:source", (MISS, MISS, MISS, MISS)), b"two")
    assert found == {
        "RUN x": "its layers are not in the cache: inline keeps those of the last stage alone",
        "COPY src /src": "1 file changed (src content)",
    }


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("registry-max", "another version of the engine"),
        ("stage-images", "given several caches at once, passed it over"),
        ("podman-registry", "not found in"),
    ],
)
def test_what_a_whole_cache_should_have_is_told_apart(strategy: str, said: str) -> None:
    found = roots(build("fresh", (MISS, HIT, HIT, MISS), strategy))
    assert list(found) == ["RUN x"]
    assert said in found["RUN x"]


def test_a_save_that_failed_is_no_cause() -> None:
    now = build("fresh", (HIT,) * 4, failures=("export: denied",))
    assert roots(now) == {}
    lost = replace(now, cache=None)
    assert roots(lost) == {}
