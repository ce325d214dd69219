"""Sources that match nothing: whether an engine builds them is what `lab predict` says of it."""

from __future__ import annotations

import pytest

from lab.caching.predict.limits import missing
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules, make
from lab.dockerfile.context import Context
from tests.contract.conftest import BASE, Bench

ALONE = frozenset({"docker"})  # builds a COPY that copies nothing


@pytest.mark.parametrize(
    ("copy", "builds"),
    [
        ("COPY go.mod go.su[m] ./", True),
        ("COPY go.su[m] go.mod y* ./", True),
        ("COPY z[z] /d/", False),
        ("COPY z* y? /d/", False),
        ("ADD z* /d/", False),
    ],
)
def test_a_pattern_without_a_match_is_refused_where_the_rules_say(
    real_bench: Bench, copy: str, *, builds: bool
) -> None:
    text = f"FROM BASE\n{copy}\n"
    outcome = real_bench.build(text, {"go.mod": "module m\n"})
    assert (outcome.status == "ok") is (builds or real_bench.family in ALONE), outcome.reason
    facts = real_bench.engine.facts()
    inputs = make(
        parser.parse(text.replace("BASE", BASE)), Context.of_files({"go.mod": "", "Dockerfile": ""})
    )
    refused = missing(inputs, archive_rules(facts.name, facts.version, facts.storage))
    assert bool(refused) is (outcome.status != "ok")


def test_a_plain_name_without_a_file_is_refused_by_all(real_bench: Bench) -> None:
    text = "FROM BASE\nCOPY go.mod go.sum /d/\n"
    assert real_bench.build(text, {"go.mod": "module m\n"}).status == "failed"
    facts = real_bench.engine.facts()
    inputs = make(parser.parse(text), Context.of_files({"go.mod": ""}))
    assert [what for _, what in missing(inputs, archive_rules(facts.name, facts.version))] == [
        "go.sum"
    ]
