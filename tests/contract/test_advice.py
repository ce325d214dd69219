"""Advice proved on real engines: both Dockerfiles built by turns, and their images compared.

What needs a network is stood in for: programs of the same names that read the same files, take a
while, and leave what they read in the image. Go is real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.caching.advise import Rewrite, advise, gaining, over_edits, together, unpredicted, weighed
from lab.caching.advise.pricing import ignoring
from lab.caching.advise.proof import Proof, prove
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.engines.protocol import Engine
from lab.images.sources.base_images import with_toolchain
from lab.images.sources.types import Base, ToolchainSource
from lab.runner.build import build_once
from tests.contract import oracle

Refs = dict[str, str]
ROUNDS = 6  # the fewest pairs of which a signed-rank test can say anything at 95 %
FETCH = """\
#!/bin/sh
# Stands in for what fetches dependencies: reads the files that name them, and leaves their sum.
name=$(basename "$0")
case $name in
  npm) files="package.json package-lock.json" ;;
  pip) files=requirements.txt ;;
  bundle) files="Gemfile Gemfile.lock" ;;
  cargo) files=Cargo.toml ;;
  composer) files="composer.json composer.lock" ;;
esac
kept="/root/.cache/$name/$(cat $files | cksum)"
test -e "$kept" || sleep 0.7
mkdir -p /fetched "/root/.cache/$name"
case "$*" in *--no-cache-dir*) ;; *) : > "$kept" ;; esac
cat $files | cksum > "/fetched/$name"
"""
STANDS_IN = ("npm", "pip", "bundle", "cargo", "composer")
# Nothing but archives is left of an engine that was made cold: what is built on has no image.
TOOLS = "BASE\nCOPY tools /usr/local/bin/\nRUN chmod 755 /usr/local/bin/*"
GO = (
    "WITH_GO AS build\nENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod\nCOPY warm /w\n"
    "RUN cd /w && go build -o /dev/null main.go"
)
FILES = {
    "go.mod": "module example.org/m\n\ngo 1.22\n", "app.py": "x", "package.json": "{}",
    "package-lock.json": "{}", "requirements.txt": "r", "Gemfile": "g", "Gemfile.lock": "l",
    "Cargo.toml": '[[bin]]\nname = "a"\npath = "src/a.rs"\n', "composer.json": "{}",
    "composer.lock": "{}", "README.md": "r", "docs/x.txt": "d",
    "lib/lib.go": "package lib\n\nconst Name = \"lib\"\n",
    "cmd/one/main.go": 'package main\n\nimport "example.org/m/lib"\n\n'
    "func main() { println(lib.Name) }\n",
    "cmd/two/main.go": "package main\n\nfunc main() { println(2) }\n",
    "warm/main.go": "package main\n\nfunc main() {}\n",
    **{f"tools/{name}": FETCH for name in STANDS_IN},
}  # fmt: skip
TWO = f"""\
FROM {GO}
WORKDIR /src
COPY . .
RUN go build -o /out/one ./cmd/one
RUN go build -o /out/two ./cmd/two
FROM {TOOLS}
COPY --from=build /out/one /usr/local/bin/one
COPY --from=build /out/two /usr/local/bin/two
"""
# name -> Dockerfile, an edit that is made often, what the advice is
BAD: dict[str, tuple[str, str, str]] = {
    "python": (
        f"FROM {TOOLS}\nWORKDIR /app\nCOPY requirements.txt ./\nCOPY . .\n"
        "RUN pip install --no-cache-dir -r requirements.txt\n",
        "app.py",
        "dependencies before sources",
    ),
    "packages": (
        f"FROM {TOOLS}\nCOPY app.py /s/\nRUN groupadd lab && useradd -g lab lab && sleep 0.7\n",
        "app.py",
        "packages before sources",
    ),
    "narrower": (TWO, "docs/x.txt", "narrower COPY"),
    "node": (
        f"FROM {TOOLS}\nCOPY . /app/\nRUN cd /app && npm ci\n",
        "app.py",
        "dependencies before sources",
    ),
    "ruby": (
        f"FROM {TOOLS}\nWORKDIR /app\nCOPY --chown=1:1 . ./\nRUN bundle install --frozen\n",
        "app.py",
        "dependencies before sources",
    ),
    "rust": (
        f"FROM {TOOLS}\nCOPY . /app\nWORKDIR /app\nRUN cargo fetch --locked\n",
        "app.py",
        "dependencies before sources",
    ),
    "php": (
        f"FROM {TOOLS}\nWORKDIR /app\nCOPY . .\nRUN composer install\n",
        "app.py",
        "dependencies before sources",
    ),
    "arg": (
        f"FROM {TOOLS}\nARG VERSION=1\nRUN groupadd lab && useradd -g lab lab && sleep 0.7\n"
        "RUN echo $VERSION > /version\n",
        "arg:VERSION=2",
        "ARG moved down",
    ),
    "split": (TWO, "cmd/two/main.go", "stage split"),
    "together": (
        f"FROM {TOOLS}\nCOPY . /app/\nRUN groupadd lab && useradd -g lab lab\n"
        "RUN cd /app && npm ci\n",
        "app.py",
        "all together",
    ),
    "ignored": (TWO.replace("RUN go", "RUN cd /src && go"), "README.md", "a .dockerignore line"),
}
# Each of these takes its builds: eight are enough on one engine.
ON = {
    "simulated": tuple(BAD),
    "docker": ("python", "together", "narrower", "split", "ignored", "node", "rust", "arg"),
    "podman": ("python", "packages"),
}
GOOD: dict[str, str] = {
    "dependencies first": f"FROM {TOOLS}\nWORKDIR /app\nCOPY requirements.txt .\n"
    "RUN pip install -r requirements.txt\nCOPY app.py .\nRUN true\n",
    "packages first": f"FROM {TOOLS}\nRUN groupadd lab\nCOPY app.py /s/\n",
    "one copy": f"FROM {TOOLS}\nCOPY app.py /s/\nRUN true\n",
    "one program": f"FROM {GO}\nWORKDIR /src\nCOPY go.mod ./\nCOPY cmd/two ./cmd/two/\n"
    f"RUN go build -o /out/two ./cmd/two\nFROM {TOOLS}\nCOPY --from=build /out/two /two\n",
}


@pytest.fixture(scope="module")
def with_go(bookworm_base: Base) -> Base:
    return with_toolchain(
        bookworm_base, ToolchainSource(kind="go", value="1.22.10", name="1.22.10"), say=print
    )


@pytest.fixture
def engine(
    request: pytest.FixtureRequest, engines: Callable[[str], Engine], with_go: Base
) -> Engine:
    """The engine of the test's name, with two bases, one of them with Go."""
    found = engines(request.param)
    found.ensure(with_go.image)
    return found


@pytest.fixture(scope="module")
def refs(bookworm_base: Base, with_go: Base) -> Refs:
    return {"WITH_GO": with_go.image.ref, "BASE": bookworm_base.image.ref}


def inputs(text: str, refs: Refs) -> Inputs:
    for name, ref in refs.items():
        text = text.replace(name, ref)
    return Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))


# All that an image holds, but for its Dockerfile, which is meant to differ, and for what the
# container itself puts in. Files of the distribution,
# which no step here touches, are told by their size alone.
HELD = (
    "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o ! -type d "
    "! -name Dockerfile ! -path '/etc/host*' ! -path /etc/resolv.conf ! -path '*/containerenv' "
    "! -path /.dockerenv "
    "-printf '%p %m %U:%G %s %l\\n' | sort; "
    "find / -xdev -path /proc -prune -o -type d -printf '%p %m %U:%G\\n' | sort; "
    "find /app /src /s /fetched /usr/local /etc/passwd /etc/group /version -type f "
    "! -name Dockerfile ! -path '/usr/local/go/*' -exec cksum {} + 2>/dev/null | sort -k3; "
    "env | grep -v HOSTNAME | sort; pwd; id"
)


def held(engine: Engine, given: Inputs, ignore: str | None, name: str) -> str:
    tag = f"localhost/lab/test-advice:{name}"
    build_once(engine, ignoring(given, ignore), tag=tag, labels={}, cold=False)
    return oracle.read(engine, tag, HELD)


def proven(engine: Engine, given: Inputs, best: Rewrite, edit: str) -> Proof:
    """The proof of a rewrite, whose image holds what the original's does."""
    if engine.name != "simulated":
        old = held(engine, given, None, "old")
        new = held(engine, replace(given, dockerfile=best.dockerfile), best.ignore, "new")
        assert new == old
        assert "/usr/local/bin" in old
    return prove(engine, given, best, [edit], rounds=ROUNDS, seed=3)


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        pytest.param(engine, name, marks=() if engine == "simulated" else pytest.mark.timing)
        for engine, names in ON.items()
        for name in names
    ],
    indirect=["engine"],
)
def test_a_rewrite_of_a_badly_ordered_file_is_proven_faster(
    name: str, engine: Engine, refs: Refs
) -> None:
    text, edit, kind = BAD[name]
    given = inputs(text, refs)
    looked_at = archive_rules(engine.name, engine.facts().version)
    pricing = over_edits(given, [edit], looked_at, {})
    alone = weighed(given, pricing, engine=engine.name)
    whole = together(given, alone, pricing, engine=engine.name)
    found = gaining(alone) + ([] if whole is None else [whole])
    best = [one for one in found if one.rewrite.kind == kind]
    assert best, [one.rewrite.kind for one in found]
    proof = proven(engine, given, best[0].rewrite, edit)
    assert proof.verdict == "faster", (kind, proof)


# what the advice is -> a Dockerfile where no prediction can show its gain
UNSEEN = {
    "cache mount": f"FROM {TOOLS.replace('BASE', 'BASE AS build')}\n"
    "COPY app.py requirements.txt ./\n"
    f"RUN pip install -r requirements.txt\nFROM {TOOLS}\nCOPY --from=build /fetched /fetched\n",
    "dependencies in a RUN of their own": f"FROM {TOOLS}\nCOPY . /app/\n"
    "RUN cd /app && npm ci && cp app.py built\n",
}


@pytest.mark.timing
@pytest.mark.parametrize("engine", ["docker"], indirect=True)
@pytest.mark.parametrize("kind", UNSEEN)
def test_what_no_prediction_sees_is_advised_as_measured_alone(
    kind: str, engine: Engine, refs: Refs
) -> None:
    given = inputs(UNSEEN[kind], refs)
    looked_at = archive_rules(engine.name, engine.facts().version)
    pricing = over_edits(given, ["app.py"], looked_at, {})
    assert not [
        one for one in advise(given, pricing, engine=engine.name) if one.rewrite.kind == kind
    ]
    (found,) = unpredicted(weighed(given, pricing, engine=engine.name))
    assert found.rewrite.kind == kind
    proof = proven(engine, given, found.rewrite, "app.py")
    assert proof.verdict == "faster", proof


@pytest.mark.parametrize("name", GOOD)
def test_of_a_good_file_nothing_is_claimed(name: str, refs: Refs) -> None:
    given = inputs(GOOD[name], refs)
    texts = [*FILES, "base"]
    for one in ("docker", "podman", "docker-classic"):
        pricing = over_edits(given, texts, archive_rules(one, "20.10.24"), {})
        assert advise(given, pricing, engine=one) == []
