"""Advice on badly ordered Dockerfiles, and none on good ones: predicted gains are checked anew."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab.caching.advise import advise, over_edits, rewrites, together, unpredicted, weighed
from lab.caching.advise.gain import Advice
from lab.caching.advise.proof import Proof
from lab.caching.advise.render import claimed
from lab.caching.advise.render import lines as lines_of
from lab.caching.predict import edit_arguments as edits_of
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs

FILES = {
    "go.mod": "module example.org/m\n", "go.sum": "s", "main.go": "package main\n",
    "lib/a.go": "package lib\n", "package.json": "{}", "package-lock.json": "{}",
    "requirements.txt": "r", "app.py": "x", "README.md": "r", "docs/x.txt": "d", "Gemfile": "g",
    "Gemfile.lock": "l", "Cargo.toml": '[[bin]]\nname = "a"\npath = "src/a.rs"\n',
    "Cargo.lock": "l", "cmd/one/main.go": 'package main\n\nimport _ "example.org/m/lib"\n',
    "cmd/two/main.go": "package main\n",
}  # fmt: skip
EDITS = ["main.go", "lib/a.go", "app.py"]
TWO = (
    "FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/one ./cmd/one\n"
    "RUN go build -o /out/two ./cmd/two\nFROM debian\nCOPY --from=build /out/one /bin/one\n"
    "COPY --from=build /out/two /bin/two\n"
)

# name -> Dockerfile, edits that are made often, what the advice must be
BAD: dict[str, tuple[str, list[str], str]] = {
    "go": (
        "FROM golang\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN go build ./...\n",
        EDITS,
        "dependencies before sources",
    ),
    "node": (
        "FROM node\nWORKDIR /app\nCOPY . /app\nRUN npm ci\nRUN node check.js\n",
        EDITS,
        "dependencies before sources",
    ),
    "python": (
        "FROM python\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python app.py\n",
        EDITS,
        "dependencies before sources",
    ),
    "ruby": (
        "FROM ruby\nCOPY --chown=1:1 . ./\nRUN bundle install --frozen\n",
        EDITS,
        "dependencies before sources",
    ),
    "rust": (
        "FROM rust\nCOPY . .\nRUN cargo fetch --locked\n",
        EDITS,
        "dependencies before sources",
    ),
    "packages": (
        "FROM debian\nCOPY main.go lib /src/\nRUN apt-get update && \\\n"
        "    apt-get install -y gcc && rm -rf /var/lib/apt/lists/*\nRUN cc\n",
        EDITS,
        "packages before sources",
    ),
    "arg": (
        "FROM debian\nARG VERSION=1\nRUN apt-get update\nRUN make V=$VERSION\n",
        ["arg:VERSION=2"],
        "ARG moved down",
    ),
    "env": (
        "FROM debian\nENV RELEASE=a\nRUN apt-get install -y x\nRUN make RELEASE=$RELEASE\n",
        ["env:RELEASE=b"],
        "ENV moved down",
    ),
    "ignore": (
        "FROM golang AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /a ./cmd/one\nFROM debian\n"
        "COPY --from=b /a /a\n",
        ["README.md", "docs/x.txt"],
        "a .dockerignore line",
    ),
    "link": (
        "FROM debian AS one\nRUN make\nFROM debian\nRUN apt-get update\nARG V=1\nRUN use $V\n"
        "COPY --from=one /a /a\n",
        ["arg:V=2"],
        "COPY --link",
    ),
    "behind a cd": (
        "FROM golang\nCOPY . /src/\nRUN cd /src && go mod download\nRUN cd /src; go build ./...\n",
        EDITS,
        "dependencies before sources",
    ),
    "a cd below the WORKDIR": (
        "FROM node\nWORKDIR /srv\nCOPY . app\nLABEL a=b\nRUN cd app && npm ci\n",
        EDITS,
        "dependencies before sources",
    ),
    "a WORKDIR between": (
        "FROM node\nCOPY . /app\nWORKDIR /app\nRUN npm ci\nRUN node check.js\n",
        EDITS,
        "dependencies before sources",
    ),
    "sources beside what names the dependencies": (
        "FROM golang\nWORKDIR /src\nCOPY go.mod go.sum ./\nCOPY lib ./lib/\nLABEL a=b\n"
        "COPY cmd/one /src/cmd/one\nCOPY *.go ./\nRUN go mod download\nRUN go build ./...\n",
        EDITS,
        "dependencies before sources",
    ),
    "the whole above the fetch": (
        "FROM python\nCOPY requirements.txt /app/\nCOPY . /app\nWORKDIR /app\n"
        "RUN pip install -r requirements.txt\nRUN python check.py\n",
        EDITS,
        "dependencies before sources",
    ),
    "packages below a WORKDIR": (
        "FROM debian\nCOPY . /src\nWORKDIR /src\nRUN apt-get update\nRUN make\n",
        EDITS,
        "packages before sources",
    ),
    "narrower behind a cd": (
        TWO.replace("WORKDIR /src\nCOPY . .", "COPY . /src").replace("RUN go", "RUN cd /src && go"),
        ["app.py", "docs/x.txt", "main.go"],
        "narrower COPY",
    ),
    "split behind a cd": (
        TWO.replace("WORKDIR /src\nCOPY . .", "COPY . /src").replace("RUN go", "RUN cd /src && go"),
        ["cmd/two/main.go"],
        "stage split",
    ),
    "narrower, with a WORKDIR between": (
        TWO.replace("WORKDIR /src\nCOPY . .", "COPY . /src\nWORKDIR /src"),
        ["app.py", "docs/x.txt", "main.go"],
        "narrower COPY",
    ),
    "narrower": (TWO, ["app.py", "docs/x.txt", "main.go"], "narrower COPY"),
    "split": (TWO, ["cmd/two/main.go"], "stage split"),
}
GOOD: dict[str, str] = {
    "go": (
        "FROM golang\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\n"
        "COPY main.go lib ./\nRUN go build ./...\n"
    ),
    "python": (
        "FROM python\nRUN apt-get update\nCOPY requirements.txt .\n"
        "RUN pip install -r requirements.txt\nCOPY app.py .\n"
    ),
    "one step": "FROM debian\nCOPY app.py /\nCMD python /app.py\n",
}


def advice(text: str, edits: list[str]) -> list[Advice]:
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    return advise(inputs, over_edits(inputs, edits, archive_rules("docker"), {}))


@pytest.mark.parametrize("name", BAD)
def test_a_badly_ordered_file_is_rewritten_with_a_gain(name: str, tmp_path: Path) -> None:
    text, edits, wanted = BAD[name]
    found = [one for one in advice(text, edits) if one.rewrite.kind == wanted]
    assert found, name
    for number, one in enumerate(found):
        assert (one.after.runs, one.after.steps) < (one.before.runs, one.before.steps)
        parser.parse(one.rewrite.dockerfile)
        apply_patch(one, text, tmp_path / f"{number}")


def test_rewrites_that_go_together_are_one_patch(tmp_path: Path) -> None:
    text = (
        "FROM golang\nCOPY . /src\nRUN apt-get update\nRUN cd /src && go mod download\n"
        "RUN cd /src && go build ./...\n"
    )
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    pricing = over_edits(inputs, EDITS, archive_rules("docker"), {})
    alone = weighed(inputs, pricing)
    whole = together(inputs, alone, pricing)
    assert whole is not None
    assert whole.rewrite.why == "packages before sources, then dependencies before sources"
    # of each edit only the copy of the whole and the build that reads it are left
    assert (whole.after.runs, whole.after.steps) == (len(EDITS), 2 * len(EDITS))
    assert all(whole.after.below(one.after) for one in alone)
    apply_patch(whole, text, tmp_path / "whole")
    written = inputs.context.with_file("Dockerfile", whole.rewrite.dockerfile.encode())
    again = Inputs(
        dockerfile=whole.rewrite.dockerfile, dockerfile_path="Dockerfile", context=written
    )
    assert not advise(again, over_edits(again, EDITS, archive_rules("docker"), {}))


def test_what_one_rewrite_does_alone_is_not_said_twice() -> None:
    inputs = Inputs(dockerfile=TWO, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    pricing = over_edits(inputs, ["app.py", "cmd/two/main.go"], archive_rules("docker"), {})
    alone = weighed(inputs, pricing)
    assert len([one for one in alone if one.gains]) > 1
    assert together(inputs, alone, pricing) is None


def apply_patch(one: Advice, text: str, folder: Path) -> None:
    """The patch does what the rewrite says: `git apply` is the judge."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(text)
    patch = folder / "advice.patch"
    patch.write_text(one.patch)
    subprocess.run(["git", "apply", patch.name], cwd=folder, check=True)
    assert (folder / "Dockerfile").read_text() == one.rewrite.dockerfile
    if one.rewrite.ignore is not None:
        assert (folder / ".dockerignore").read_text() == one.rewrite.ignore


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_left_alone(name: str) -> None:
    assert advice(GOOD[name], [*EDITS, "go.mod", "requirements.txt", "README.md"]) == []


MAY_ADD = ("COPY", "FROM")


@pytest.mark.slow
def test_no_step_is_lost_by_a_rewrite() -> None:
    """But for the copies and stages that narrower ones stand for."""
    for text, edits, _ in BAD.values():
        before = [one.text for one in parser.parse(text).instructions]
        for one in advice(text, edits):
            after = [step.text for step in parser.parse(one.rewrite.dockerfile).instructions]
            rest = [step for step in after if not step.startswith(MAY_ADD)]
            assert sorted(rest) == sorted(step for step in before if not step.startswith(MAY_ADD))


def test_two_programs_get_a_stage_each_with_what_each_reads() -> None:
    split = next(
        one for one in advice(TWO, ["cmd/two/main.go"]) if one.rewrite.kind == "stage split"
    )
    assert split.rewrite.dockerfile == (
        "FROM golang AS build-base\nWORKDIR /src\n"
        "\nFROM build-base AS build-one\nCOPY go.mod go.sum ./\nCOPY cmd/one ./cmd/one/\n"
        "COPY lib ./lib/\nRUN go build -o /out/one ./cmd/one\n"
        "\nFROM build-base AS build-two\nCOPY go.mod go.sum ./\nCOPY cmd/two ./cmd/two/\n"
        "RUN go build -o /out/two ./cmd/two\n"
        "FROM debian\nCOPY --from=build-one /out/one /bin/one\n"
        "COPY --from=build-two /out/two /bin/two\n"
    )
    assert (split.before.runs, split.after.runs) == (2, 1)


def test_what_only_builds_can_show_is_never_called_a_gain() -> None:
    text = (
        "FROM debian AS build\nCOPY --from=go /usr/local/go /opt/go\nWORKDIR /src\n"
        "COPY go.mod go.sum ./\nRUN go mod download\nCOPY lib ./lib/\n"
        "RUN go build -o /out ./lib\nFROM debian\nCOPY --from=build /out /out\n"
    )
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    pricing = over_edits(inputs, ["lib/a.go"], archive_rules("docker"), {})
    assert advise(inputs, pricing) == []
    found = {
        one.rewrite.kind: one.rewrite.dockerfile for one in unpredicted(weighed(inputs, pricing))
    }
    assert set(found) == {"cache mount", "stated GOROOT"}
    mount = "RUN --mount=type=cache,target=/root/.cache/go-build go build -o /out ./lib\n"
    assert mount in found["cache mount"]
    assert "/opt/go\nENV GOROOT=/opt/go\nWORKDIR" in found["stated GOROOT"]
    classic = unpredicted(weighed(inputs, pricing, engine="docker-classic"))
    assert {one.rewrite.kind for one in classic} == {"stated GOROOT"}


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        (
            "FROM node\nWORKDIR /app\nCOPY . .\nRUN --network=default npm ci && \\\n"
            "  npm run build\n",
            "COPY package.json package-lock.json ./\nRUN --network=default npm ci\nCOPY . .\n",
            "RUN --network=default npm run build\n",
        ),
        (
            "FROM golang\nCOPY go.mod go.sum /s/\nCOPY lib /s/lib\n"
            "RUN cd /s && go mod download && go vet ./... && go build ./...\n",
            "RUN cd /s && go mod download\nCOPY lib /s/lib\n",
            "RUN cd /s && go vet ./... && go build ./...\n",
        ),
    ],
)
def test_a_run_that_fetches_and_does_more_is_parted(text: str, first: str, then: str) -> None:
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    found = weighed(inputs, over_edits(inputs, EDITS, archive_rules("docker"), {}))
    (parted,) = [one for one in found if "of their own" in one.rewrite.kind]
    assert parted.rewrite.dockerfile.endswith(first + then)
    assert not parted.gains
    assert parted in unpredicted(found)


def test_prices_claim_no_gain_that_a_changed_text_alone_makes() -> None:
    """A mount changes a RUN's text, and a narrower COPY is one that nobody has measured."""
    prices = {"RUN go build -o /out/one ./cmd/one": 40.0, "COPY . .": 9.0}
    inputs = Inputs(dockerfile=TWO, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    known = weighed(inputs, over_edits(inputs, ["lib/a.go"], archive_rules("docker"), prices))
    kinds = {one.rewrite.kind: one for one in known}
    assert not kinds["cache mount"].gains
    assert kinds["cache mount"].after.seconds == kinds["cache mount"].before.seconds == 40.0
    assert not kinds["narrower COPY"].gains
    assert kinds["stage split"].after.seconds == 40.0


def test_modules_are_mounted_where_the_stage_itself_fetches_them() -> None:
    text = (
        "FROM {} AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\n"
        "RUN go build -o /out/one ./cmd/one\nFROM debian\nCOPY --from=build /out/one /one\n"
    )
    for base, mounted in (("golang:1.22", 2), ("debian", 0)):
        inputs = Inputs(
            dockerfile=text.format(base),
            dockerfile_path="Dockerfile",
            context=Context.of_files(FILES),
        )
        found = [one.dockerfile for one in rewrites(inputs) if one.kind == "cache mount"]
        assert found[0].count("target=/go/pkg/mod") == mounted


def test_a_file_of_other_line_ends_keeps_them() -> None:
    text = "\ufeff" + BAD["go"][0].replace("\n", "\r\n")
    found = advice(text, EDITS)[0].rewrite
    assert found.dockerfile.count("\r\n") == found.dockerfile.count("\n") == 6
    assert found.dockerfile.startswith("\ufeffFROM")


def test_an_edit_of_a_step_is_the_same_one_after_a_rewrite() -> None:
    """Step 4 is the build, which stands elsewhere once its dependencies are fetched above."""
    text = BAD["go"][0]
    rewritten = advice(text, EDITS)[0].rewrite.dockerfile
    assert edits_of.carried("text:4", text, rewritten) == "text:5"
    assert edits_of.carried("text:3", text, rewritten) == "text:3"
    assert edits_of.carried("main.go", text, rewritten) == "main.go"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.go", b"package a\n"),
        ("b.json", b'{"a": 1}'),
        ("c.py", b"x = 1"),
        ("go.mod", b"module m"),
    ],
)
def test_a_marked_file_is_another_and_still_of_its_language(path: str, data: bytes) -> None:
    one, two = (edits_of.marked(path, data, word) for word in ("one", "two"))
    assert len({data, one, two}) == 3
    assert one.startswith(data)
    if path.endswith(".json"):
        assert json.loads(one) == json.loads(data)
    elif path.endswith(".py"):
        compile(one, path, "exec")
    else:
        assert one.decode().splitlines()[-1] == "// one"


@pytest.mark.parametrize(
    ("verdict", "said", "patched"),
    [
        (None, "predicted over 3 edits", True),
        ("faster", "built 6 rounds: faster", True),
        ("undecided", "no gain is proven: more rounds may tell", True),
        ("same", "no gain was measured", False),
        ("slower", "no gain: the builds were slower", False),
    ],
)
def test_a_proof_is_judged_by_its_verdict(verdict: str | None, said: str, patched: bool) -> None:
    """What was predicted is no gain any more once builds have denied it."""
    (best, *_) = advice(BAD["go"][0], EDITS)
    proof = verdict and Proof(verdict=verdict, ratio=0.9, edits=("a",), pairs=((1, 1),) * 6)
    lines = "\n".join(lines_of([best], [proof or None], [], "edits"))
    assert said in lines
    assert ("+RUN" in lines) is patched
    assert claimed(best, proof or None) is (verdict in {None, "faster"})
    assert ("nothing to gain" in lines) is (not claimed(best, proof or None))
