"""Manifests, rules and explanations, without an engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.caching import explain
from lab.caching.predict import CacheSimulator, edit_arguments, predict
from lab.caching.predict.compare_builds import compare
from lab.caching.predict.inputs import cache_inputs
from lab.cli import main
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, archive_rules, facets, keys, make
from lab.dockerfile.cachekey.rules import STRICT
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from lab.dockerfile.entries import File
from lab.engines.simulated import SimulatedEngine
from lab.model.errors import InputError
from lab.model.events import Outcome
from lab.model.record import Build, Step

TEXT = """\
ARG BASE=debian
FROM ${BASE} AS build
ENV GOROOT=/usr/local/go
ARG VERSION=1
WORKDIR /src
COPY . .
RUN --mount=type=bind,source=conf,target=/c \\
    go build
LABEL one=two
FROM debian
COPY --from=build /out /out
"""
SAMPLE = Path(__file__).parents[2] / "fixtures" / "runs-0.1" / "two-engines"
ENGINES = ("docker", "docker-classic", "podman", "simulated")


def made(text: str = TEXT, **changed: File) -> CacheInputs:
    files = {"main.go": File(b"one"), "run.sh": File(b"sh", 0o644), "conf": File(b"c")}
    files |= {name.replace("_", "."): file for name, file in changed.items()}
    return make(parser.parse(text), Context(files), digest=lambda ref: f"sha256:{ref}")


def causes_of(before: CacheInputs, after: CacheInputs, engine: str, version: str = "") -> list[str]:
    return [one.text for one in compare(before, after, archive_rules(engine, version)).roots]


@pytest.mark.parametrize("engine", ENGINES)
def test_all_causes_are_named_in_one_line(engine: str) -> None:
    after = made(main_go=File(b"two"), run_sh=File(b"sh", 0o755))
    said = "2 files changed (main.go content, run.sh mode 644→755)"
    assert causes_of(made(), after, engine) == [said]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("/usr/local/go", "/opt/go", "ENV GOROOT changed /usr/local/go → /opt/go"),
        ("VERSION=1", "VERSION=2", "ARG VERSION changed 1 → 2"),
        ("go build", "go vet", "text changed: "),
        ("WORKDIR /src", "WORKDIR /w", "text changed: WORKDIR /src → WORKDIR /w"),
        ("COPY . .\n", "COPY . .\nRUN new\n", "new instruction: RUN new"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_changed_instruction_is_named(engine: str, old: str, new: str, said: str) -> None:
    found = causes_of(made(), made(TEXT.replace(old, new)), engine)
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ENV A=1 B=2", "ENV B=2 A=1", ["order of ENV changed A B → B A"]),
        ("ENV A=1 B=2", "ENV A=1 B=2 C=3", ["ENV C added"]),
        ("WORKDIR /w", "WORKDIR /w/", ["slash after WORKDIR changed none → /"]),
        ("ARG HTTP_PROXY=a", "ARG HTTP_PROXY=b", ["ARG HTTP_PROXY changed a → b"]),
        ("RUN make", 'RUN ["/bin/sh", "-c", "make"]', []),
        ("RUN make", "RUN --network=default make", []),
    ],
)
def test_what_buildkit_counts_and_what_not(old: str, new: str, said: list[str]) -> None:
    text = "FROM debian\nENV A=1 B=2\nWORKDIR /w\nARG HTTP_PROXY=a\nRUN make\n"
    found = causes_of(made(text), made(text.replace(old, new)), "docker")
    assert [one.split(":")[0].replace(": 3", "") for one in found] == said


def test_a_moved_base_is_named() -> None:
    before = made(TEXT)
    after = make(
        parser.parse(TEXT),
        Context({"main.go": File(b"one"), "run.sh": File(b"sh"), "conf": File(b"c")}),
        digest=lambda _ref: f"sha256:{'b' * 40}",
    )
    assert all(
        one.startswith("base moved sha256:debian") for one in causes_of(before, after, "docker")
    )


def test_what_hides_behind_a_mount_is_an_unsafe_hit_on_an_old_podman() -> None:
    text = "FROM debian\nRUN --mount=type=bind,source=conf,target=/c use\n"
    before, after = made(text), made(text, conf=File(b"other"))
    old = compare(before, after, archive_rules("podman", "4.3.1"))
    assert [one.text for one in old.steps if one.unsafe] == [
        "UNSAFE HIT: 1 file changed (conf content)"
    ]
    assert causes_of(before, after, "podman", "5.8.6") == ["1 file changed (conf content)"]
    assert causes_of(before, after, "docker", "20.10.24") == ["1 file changed (conf content)"]


def test_times_never_count_and_owners_for_some() -> None:
    after = made(main_go=File(b"one", mtime=9))
    other = made(main_go=File(b"one", owner=(7, 7)))
    for engine in ENGINES:
        assert causes_of(made(), after, engine) == []
    assert causes_of(made(), other, "docker", "20.10.24") == []
    said = ["1 file changed (main.go owner 0:0→7:7)"]
    assert causes_of(made(), other, "docker", "28.5.2") == said
    said = ["1 file changed (main.go owner 0:0→another)"]
    assert causes_of(made(), other, "podman", "4.3.1") == said
    third = made(main_go=File(b"one", owner=(8, 8)))
    assert causes_of(other, third, "podman", "4.3.1") == []
    assert causes_of(made(), other, "podman", "5.8.6") == []


def test_an_evicted_step_says_so() -> None:
    one = made()
    rules = archive_rules("docker")
    outcomes = predict(one, rules, CacheSimulator()).outcomes

    def known(name: str, lost: int | None) -> explain.MeasuredBuild:
        steps = tuple(
            Step(
                index=step.index,
                stage="s",
                instruction=step.text,
                outcome=outcomes[step.index]
                and (Outcome.MISS if lost is None or step.index >= lost else Outcome.HIT),
            )
            for step in one.steps
        )
        build = Build(
            id=name, cell={"engine": "docker"}, round=1, phase=name, status="ok", steps=steps
        )
        return explain.MeasuredBuild(record=build, inputs=one)

    run = next(step.index for step in one.steps if step.keyword == "RUN")
    found = explain.explain(known("rebuild", run), [known("cold", None)], rules)
    assert [part.text.partition(":")[0] for part in found.roots] == ["evicted"]
    assert found.roots[0].step.index == run
    first = explain.explain(known("cold", None), [], rules)
    assert {part.text for part in first.roots} == {"never built before"}


def test_secrets_never_go_in() -> None:
    text = "FROM a\nARG API_TOKEN\nRUN --mount=type=secret,id=key go\n"
    one, two = (
        make(parser.parse(text), Context({}), build_args={"API_TOKEN": value})
        for value in ("hunter2", "hunter3")
    )
    assert "hunter" not in json.dumps(one.to_json())
    assert keys(one, archive_rules("docker"))[2] != keys(two, archive_rules("docker"))[2]
    assert one.by_index[2].secrets == ("key",)


@pytest.mark.slow
@given(st.binary(max_size=20), st.integers(0, 0o777), st.integers(0, 9))
def test_a_manifest_comes_back_from_json_as_it_was(data: bytes, mode: int, mtime: int) -> None:
    one = made(main_go=File(data, mode, mtime))
    assert CacheInputs.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(("field", "value"), [("previous", 9), ("previous", 2), ("stage", 7)])
def test_a_manifest_whose_steps_stand_on_nothing_is_none(field: str, value: int) -> None:
    record = make(parser.parse("FROM a\nRUN b\nRUN c\n"), Context()).to_json()
    assert CacheInputs.from_json(record)
    record["steps"][2][field] = value
    with pytest.raises(ValueError, match="step"):
        CacheInputs.from_json(record)


@given(st.sets(st.sampled_from(["a/b.go", "a/c/d.go", "a.go", "b/x.txt", "y.txt", "b/.z"])))
def test_patterns_choose_as_go_does(paths: set[str]) -> None:
    entries = dict.fromkeys(paths, 1)
    assert set(chosen(entries, ["."])) == paths
    assert set(chosen(entries, ["a"])) == {path for path in paths if path.startswith("a/")}
    assert set(chosen(entries, ["*.go"])) == {path for path in paths if path == "a.go"}
    assert set(chosen(entries, ["?/*.go"])) == {path for path in paths if path == "a/b.go"}
    assert set(chosen(entries, ["[ab]/*"])) == {path for path in paths if "/" in path}


# What podman 4.3.1 copied of these files, and that it refused the last two.
@pytest.mark.parametrize(
    ("pattern", "copied"),
    [
        ("[^a]", {"^", "!"}),
        ("[!a]", {"a", "!"}),
        ("*/c.go", {"sub/c.go"}),
        ("s*/*.go", {"sub/c.go"}),
        ("su?/c.go", {"sub/c.go"}),
        ("*.go", {"b.go"}),
        ("sub?c.go", set()),
        ("[]a]", set()),
    ],
)
def test_classes_of_a_source_are_those_of_go(pattern: str, copied: set[str]) -> None:
    entries = dict.fromkeys(["a", "b.go", "^", "!", "sub/c.go"], 1)
    assert set(chosen(entries, [pattern])) == copied


@pytest.mark.slow
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6))
def test_equal_inputs_always_hit_and_keys_hold_all_facets(letters: list[str]) -> None:
    text = "FROM x\n" + "".join(f"RUN {letter}\n" for letter in letters)
    for engine in ENGINES:
        rules, memory = archive_rules(engine), CacheSimulator()
        predict(made(text), rules, memory)
        again = predict(made(text), rules, memory).outcomes
        assert set(again.values()) <= {Outcome.HIT, None}
        own = keys(made(text), rules)
        assert len({key.own for key in own.values()}) == len(letters) + 1


def test_strict_rules_see_every_engine_s_view_of_content() -> None:
    one = made()
    for engine in ENGINES:
        for step in one.steps:
            files = {n for n in facets(one, step, archive_rules(engine)) if n.endswith("content")}
            assert files <= set(facets(one, step, STRICT))


def test_edits_that_say_nothing_are_refused() -> None:
    inputs = Inputs(
        dockerfile=TEXT, dockerfile_path="Dockerfile", context=Context({"main.go": File(b"")})
    )
    for wrong in ("", "Dockerfile", "chmod:main.go", "chmod:main.go=9", "chmod:no=644", "env:A=1",
                  "arg:NO=1", "text:99", "touch:nothing", "chown:main.go=root",
                  "chmd:main.go=755"):  # fmt: skip
        with pytest.raises(InputError):
            edit_arguments.apply(wrong, inputs)
    after = cache_inputs(edit_arguments.apply("env:GOROOT=/opt/go", inputs).inputs)
    assert causes_of(cache_inputs(inputs), after, "simulated")[0].startswith("ENV GOROOT changed")


def test_the_simulated_engine_obeys_its_own_rules(tmp_path: Path) -> None:
    assert SimulatedEngine().facts().name == "simulated"
    rules = archive_rules("simulated", "1")
    assert rules.metadata
    assert not rules.fills_in


def explained(run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main.main(["explain", str(run), "--json"])
    said = capsys.readouterr()
    return ended.value.code, said.out, " ".join(said.err.split())


def test_a_torn_record_is_told_beside_the_explanation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(SAMPLE, tmp_path / "torn"))
    whole = explained(run, capsys)
    with (run / "builds.jsonl").open("a") as file:
        file.write('{"schema": ')
    code, out, err = explained(run, capsys)
    assert (code, out, whole[2]) == (0, whole[1], "")
    assert "builds.jsonl" in err
    assert "the last line is torn" in err


@pytest.mark.parametrize("gone", [False, True])
def test_a_run_whose_records_are_gone_is_not_called_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gone: bool
) -> None:
    run = Path(shutil.copytree(SAMPLE, tmp_path / "empty"))
    (run / "builds.jsonl").write_bytes(b"")
    if gone:
        (run / "builds.jsonl").unlink()
    code, out, err = explained(run, capsys)
    assert (code, out) == (2, "")
    assert "builds.jsonl is empty or gone" in err
    assert "next: bring that file back from a copy" in err
    assert "older lab" not in err
