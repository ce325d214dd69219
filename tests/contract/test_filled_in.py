"""An argument that instructions other than RUN name: which of them run again when it changes; and
WORKDIR /, which is a step of some engines alone; and modes under --chmod.
"""

from __future__ import annotations

import itertools

import pytest

from lab.caching.predict import CacheSimulator, predict
from lab.dockerfile.cachekey import archive_rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.dockerfile.parser import parse
from lab.model.events import Outcome
from tests.contract.conftest import Bench
from tests.contract.test_idioms import last_of

NUMBERS = itertools.count()
# Instruction, and what podman makes of it: it alone goes by an instruction's text.
CASES = [
    ("COPY f /$N", Outcome.MISS),
    ("COPY f /a/$N", Outcome.MISS),
    ("COPY f /$N/", Outcome.HIT),
    ("COPY f /$N/x", Outcome.HIT),
    ("COPY f g /$N/", Outcome.HIT),
    ("COPY d /$N", Outcome.HIT),
    ("ADD f /$N/", Outcome.HIT),
    ("COPY --from=a /f /$N/", Outcome.HIT),
    ("WORKDIR /$N", Outcome.HIT),
]
HEREDOCS = [("COPY <<EOF /$N\nx\nEOF", Outcome.MISS), ("COPY <<EOF /$N/\nx\nEOF", Outcome.HIT)]


@pytest.mark.parametrize(("line", "on_podman"), [*CASES, *HEREDOCS])
def test_an_argument_in_an_instruction_counts_as_the_rules_say(
    real_bench: Bench, line: str, on_podman: Outcome
) -> None:
    text = f"FROM scratch AS a\nCOPY f /f\nFROM scratch\nCOPY nonce /n\nARG N\n{line}\n"
    files = {"f": "1", "g": "1", "d/x": "1", "nonce": f"{next(NUMBERS)} {line}"}
    if real_bench.refuses(text, files):
        return
    found, causes = last_of(real_bench, [(text, files, {"N": "1"}), (text, files, {"N": "2"})])
    assert found[-1] is (on_podman if real_bench.family == "podman" else Outcome.MISS)
    assert found[-1] is Outcome.HIT or "arg N" in causes


def test_a_workdir_at_the_root_is_a_step_as_the_rules_say(real_bench: Bench) -> None:
    files = {"a": f"{next(NUMBERS)} root", "b": "1"}
    texts = [f"FROM scratch\nCOPY a /a\n{line}COPY b /b\n" for line in ("", "WORKDIR /\n")]
    found, _ = last_of(real_bench, [(text, files, {}) for text in texts])
    assert found[-1] is (Outcome.HIT if real_bench.family == "docker" else Outcome.MISS)


@pytest.mark.parametrize("line", ["COPY --chmod=777 d /d", "COPY --chown=1:1 d /d"])
def test_modes_count_under_chmod_as_the_rules_say(real_bench: Bench, line: str) -> None:
    text, nonce = f"FROM scratch\nCOPY n /n\n{line}\n", f"{next(NUMBERS)} {line}".encode()
    if real_bench.refuses(text, {"n": "1", "d/x": "1"}):
        return
    facts = real_bench.engine.facts()
    rules, memory = archive_rules(facts.name, facts.version, facts.storage), CacheSimulator()
    for mode in (0o644, 0o600):
        files = {"n": File(nonce), "d/x": File(b"1", mode), "Dockerfile": File(text.encode())}
        prediction = predict(make(parse(text), Context(files)), rules, memory)
        found = real_bench.build(text, Context(files)).steps[-1]
        assert prediction.outcomes[found.index] is found.outcome
    covered = real_bench.family == "podman" and "chmod" in line
    assert found.outcome is (Outcome.HIT if covered else Outcome.MISS)
