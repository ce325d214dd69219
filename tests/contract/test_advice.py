"""Advice proved: both Dockerfiles built by turns, simulated and on a real BuildKit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from lab.advise import advise, over_edits
from lab.advise.proof import prove
from lab.context import Context
from lab.edits import Inputs
from lab.engines import open_engine
from lab.engines.protocol import Engine, ImageArchive
from lab.manifest import rules

ROUNDS = 6  # the fewest pairs of which a signed-rank test can say anything at 95 %
FILES = {
    "go.mod": "m", "go.sum": "s", "main.go": "p", "app.py": "x", "package.json": "{}",
    "package-lock.json": "{}", "requirements.txt": "r", "Gemfile": "g", "Gemfile.lock": "l",
    "Cargo.toml": "c", "Cargo.lock": "l", "composer.json": "{}", "pom.xml": "p", "README.md": "r",
    "docs/x.txt": "d",
}  # fmt: skip
# The commands themselves are in no base: what they would take is slept.
SLOW = "RUN sleep 0.4 # "
BAD: dict[str, tuple[str, list[str]]] = {
    "go": (f"COPY . .\n{SLOW}go mod download\nRUN true\n", ["main.go"]),
    "node": (f"COPY . /app/\n{SLOW}npm ci\n", ["app.py"]),
    "python": (f"COPY . .\n{SLOW}pip install -r requirements.txt\n", ["app.py"]),
    "ruby": (f"COPY . ./\n{SLOW}bundle install\n", ["app.py"]),
    "rust": (f"COPY . .\n{SLOW}cargo fetch\n", ["main.go"]),
    "php": (f"COPY . .\n{SLOW}composer install\n", ["app.py"]),
    "packages": ("COPY app.py /s/\nRUN groupadd root || sleep 0.4\nRUN true\n", ["app.py"]),
    "arg": (
        "ARG VERSION=1\nRUN sleep 0.4\nRUN echo $VERSION\n",
        ["arg:VERSION=2"],
    ),
    "ignore": ("COPY . .\nRUN sleep 0.4\n", ["README.md"]),
}
GOOD: dict[str, str] = {
    "dependencies first": (
        f"COPY go.mod go.sum ./\n{SLOW}go mod download\nCOPY main.go .\nRUN true\n"
    ),
    "packages first": "RUN groupadd root || true\nCOPY app.py /s/\n",
    "one copy": "COPY app.py /s/\nRUN true\n",
}


@pytest.fixture(scope="module", params=["simulated", "docker"])
def engine(request: pytest.FixtureRequest, bookworm: ImageArchive) -> Iterator[Engine]:
    """A private engine with the base in it."""
    with contextlib.closing(
        open_engine(request.param, private=request.param != "simulated")
    ) as one:
        one.ensure(bookworm)
        yield one


def inputs(body: str, base: str) -> Inputs:
    return Inputs(
        dockerfile=f"FROM {base}\n{body}",
        dockerfile_path="Dockerfile",
        context=Context.of_files(FILES),
    )


@pytest.mark.parametrize("name", BAD)
def test_a_rewrite_of_a_badly_ordered_file_is_proven_faster(
    name: str, engine: Engine, bookworm: ImageArchive
) -> None:
    body, texts = BAD[name]
    given = inputs(body, bookworm.ref)
    looked_at = rules(engine.name, engine.facts().version)
    found = advise(given, over_edits(given, texts, looked_at, {}))
    assert found, "there is a gain, and it was not found"
    best = found[0].rewrite
    proof = prove(engine, given, best, texts, rounds=ROUNDS, seed=3)
    assert proof.verdict == "faster", (best.kind, proof)


@pytest.mark.parametrize("name", GOOD)
def test_of_a_good_file_nothing_is_claimed(name: str, bookworm: ImageArchive) -> None:
    given = inputs(GOOD[name], bookworm.ref)
    texts = ["main.go", "app.py", "go.mod", "README.md", "base"]
    assert advise(given, over_edits(given, texts, rules("docker", "20.10.24"), {})) == []
