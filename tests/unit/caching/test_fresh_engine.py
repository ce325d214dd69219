"""What a fresh engine would run again, by what the cache that it restores holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.caching.predict.compare_builds import compare
from lab.cli import main
from lab.dockerfile import parser
from lab.dockerfile.cachekey import CacheInputs, archive_rules, make
from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.engines import remote_caches
from lab.model.errors import InputError
from lab.model.events import Outcome

TEXT = """\
FROM a AS tools
RUN tools
FROM a AS build
COPY --from=tools /t /t
COPY go.mod /
RUN deps
COPY src /src
RUN compile
FROM a
RUN setup
COPY --from=build /out /out
RUN last
"""
RULES = archive_rules("docker", "28.5.2")


def inputs(text: str = TEXT, **files: bytes) -> CacheInputs:
    entries = {"go.mod": b"m", "src": b"s"} | {k.replace("_", "."): v for k, v in files.items()}
    context = Context({name: File(data) for name, data in entries.items()})
    return make(parser.parse(text), context, digest=lambda ref: f"sha256:{ref}")


def ran(before: CacheInputs, after: CacheInputs, strategy: str) -> list[str]:
    found = compare(before, after, RULES, strategy).build
    return [one.instruction for one in found.steps if one.outcome is Outcome.MISS]


COMPILED = ["COPY src /src", "RUN compile", "COPY --from=build /out /out", "RUN last"]
LAYERS = "its layers are not in the cache: inline keeps those of the last stage alone"
BEFORE = ["RUN tools", "COPY --from=tools /t /t", "COPY go.mod /", "RUN deps"]


@pytest.mark.parametrize(
    ("strategy", "again"),
    [
        ("warm-disk", COMPILED),
        ("registry-max", COMPILED),
        ("stage-images", COMPILED),
        ("local", COMPILED),
        ("inline", [*BEFORE, *COMPILED]),
        ("registry-min", [*BEFORE, *COMPILED]),
        ("none", [*BEFORE, *COMPILED[:2], "RUN setup", *COMPILED[2:]]),
    ],
)
def test_an_edit_of_the_sources(strategy: str, again: list[str]) -> None:
    assert ran(inputs(), inputs(src=b"other"), strategy) == again


def test_keys_alone_are_enough_where_nothing_is_asked_for() -> None:
    assert ran(inputs(), inputs(), "inline") == []
    last = TEXT.replace("RUN last", "RUN other")
    assert ran(inputs(), inputs(last), "inline") == ["RUN other"], "the image has all before it"


def test_what_a_stage_is_from_is_in_the_image_too() -> None:
    text = "FROM a AS build\nRUN x\nFROM build AS test\nRUN y\nFROM build\nRUN z\n"
    edited = text.replace("RUN z", "RUN zz")
    assert ran(inputs(text), inputs(edited), "inline") == ["RUN zz"]


def test_causes_name_what_the_cache_lacks() -> None:
    found = compare(inputs(), inputs(src=b"other"), RULES, "inline")
    assert [(one.step.instruction, one.text) for one in found.roots] == [
        (
            "RUN tools",
            "its layers are not in the cache: inline keeps those of the last stage alone",
        ),
        ("COPY src /src", "1 file changed (src content)"),
    ]


def test_engines_that_cannot_are_left_out_or_refused() -> None:
    both = [("docker", "28.5.2"), ("podman", "5.8.6")]
    assert remote_caches.able(both, "inline", named=False) == both[:1]
    assert remote_caches.able(both, "none", named=True) == both
    with pytest.raises(InputError, match="podman has no cache inline"):
        remote_caches.able(both, "inline", named=True)
    with pytest.raises(InputError, match="docker has no cache podman-registry"):
        remote_caches.able(both[:1], "podman-registry", named=False)


def test_the_command_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    (tmp_path / "go.mod").write_text("m")
    (tmp_path / "src").write_text("s")
    ask = ["predict", str(tmp_path / "Dockerfile"), "--edit", "src", "--engine", "docker"]
    for more, said in (
        (["--fresh", "--cache", "inline"], "8 would run, 1 from the cache"),
        (["--fresh"], "9 would run, 0 from the cache"),
        (["--fresh", "--cache", "stage-images"], "4 would run, 5 from the cache"),
        ([], "4 would run, 5 from the cache"),
    ):
        with pytest.raises(SystemExit) as ended:
            main.main([*ask, *more])
        assert ended.value.code in {0, None}
        out = capsys.readouterr().out
        assert f"docker: {said}" in out
        assert ("passes over a step" in out) == ("stage-images" in more)


ARGUED = """\
FROM a AS tools
RUN tools
FROM a AS build
COPY src /src
ARG MODE=fast
RUN compile
FROM a AS files
ARG MODE=fast
COPY src /files
FROM a
RUN setup
COPY --from=files /files /files
COPY --from=build /out /out
RUN --mount=from=build,target=/b last
"""
AFTER_ARGUMENTS = ["ARG MODE=fast", "RUN compile", "COPY src /files"]
AFTER_COMPILE = ["COPY --from=build /out /out", "RUN --mount=from=build,target=/b last"]


@pytest.mark.parametrize(
    ("version", "again"), [("4.3.1", AFTER_ARGUMENTS + AFTER_COMPILE), ("4.4.0", []), ("5.8.6", [])]
)
def test_podman_before_4_4_finds_no_argument(version: str, again: list[str]) -> None:
    argued, rules = inputs(ARGUED), archive_rules("podman", version)
    build = compare(argued, argued, rules, "podman-registry").build
    told = [step for step in build.steps if step.outcome is Outcome.MISS]
    names = [step.instruction for step in told]
    assert sorted(set(names)) == sorted(again)
    assumed = {step.instruction for step in told if step.assumed}
    assert assumed == set(AFTER_COMPILE) & set(again)


def test_what_follows_an_argument_says_so() -> None:
    argued, rules = inputs(ARGUED), archive_rules("podman", "4.3.1")
    found = compare(argued, argued, rules, "podman-registry")
    said = "before 4.4 podman looks for no ARG in a registry, nor for what stands on one"
    assert {one.text for one in found.roots} == {said}
    assert {one.step.instruction for one in found.roots} == {"ARG MODE=fast"}
