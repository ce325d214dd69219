"""A RUN in one spelling: pure; what engines do is tried in tests/contract."""

from __future__ import annotations

import pytest

from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.cachekey.run_text import plain


def run(options: str, command: str = "go build ./...") -> str:
    return f"RUN --mount=type=cache,target=/c{options} {command}"


@pytest.mark.parametrize("kinds", [False, True])
@pytest.mark.parametrize("options", ["", ",id=/c", ",sharing=shared", ",id=/c,sharing=shared"])
def test_the_usual_options_may_be_unsaid(options: str, kinds: bool) -> None:
    assert plain(run(options), kinds=kinds) == plain(run(""), kinds=kinds)


def test_ids_count_by_their_value_or_by_their_kind() -> None:
    one, other = run(",id=a"), run(",id=b,sharing=locked")
    assert plain(one, kinds=False) != plain(other, kinds=False)
    assert plain(one, kinds=True) == plain(other, kinds=True) != plain(run(""), kinds=True)


@pytest.mark.parametrize("options", [",mode=0700", ",uid=5", ",ro", ",from=other"])
def test_other_options_count(options: str) -> None:
    assert plain(run(options), kinds=True) != plain(run(""), kinds=True)


def test_neither_the_order_of_options_nor_of_mounts_counts() -> None:
    one = "RUN --mount=type=cache,target=/c,id=x --mount=type=cache,dst=/d echo  a"
    other = "RUN --mount=target=/d,type=cache --mount=id=x,target=/c,type=cache echo  a"
    assert plain(one, kinds=False) == plain(other, kinds=False)
    assert plain(one, kinds=False).endswith(" echo  a")


@pytest.mark.parametrize(
    "text",
    [
        "RUN echo --mount=type=cache,target=/c",
        'RUN --mount=type=cache,"target=/a b" echo',
        "RUN --mount=type=cache,target=$HOME/c true",
        "RUN cat <<E >/f\necho\nE",
        "RUN [ -f /x ] && true",
    ],
)
def test_what_has_no_other_spelling_is_left_alone(text: str) -> None:
    assert plain(text, kinds=True) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RUN true", 'RUN ["/bin/sh", "-c", "true"]'),
        ('RUN ["a", "b"]', 'RUN  ["a","b"]'),
        ("RUN --network=default true", "RUN true"),
        ("RUN <<E\ntrue\n", "RUN <<'END'\ntrue\n"),
        ("RUN --mount=type=bind,source=a,target=/b true", "RUN --mount=dst=/b,src=a true"),
        ("RUN --mount=from=a,target=/b true", "RUN --mount=from=b,target=/b true"),
        ("RUN --mount=type=tmpfs,target=/t true", "RUN --mount=target=/t,type=tmpfs true"),
    ],
)
def test_spellings_that_buildkit_takes_for_one(one: str, other: str) -> None:
    assert plain(one, kinds=True) == plain(other, kinds=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RUN true", 'RUN ["/bin/bash", "-c", "true"]'),
        ("RUN --network=none true", "RUN true"),
        ("RUN --mount=source=a,target=/b true", "RUN --mount=source=a,target=/c true"),
        ("RUN --mount=source=a,target=/b true", "RUN --mount=source=a,target=/b,rw true"),
        ("RUN --mount=type=secret,id=a true", "RUN --mount=type=secret,id=b true"),
    ],
)
def test_what_counts_stays(one: str, other: str) -> None:
    assert plain(one, kinds=True) != plain(other, kinds=True)


@pytest.mark.parametrize(
    ("engine", "version", "storage", "links"),
    [
        ("docker", "28.5.2", "overlay2", False),
        ("docker", "28.5.2", "overlayfs (containerd)", True),
        ("docker@28/containerd", "", "", True),
        ("docker@28", "", "", False),
        ("docker", "29.1", "", True),
        ("docker@29/graph", "", "", False),
        ("docker", "", "", True),
        ("podman", "5.8.6", "overlay", False),
    ],
)
def test_only_the_containerd_store_puts_a_linked_layer_on_any_other(
    engine: str, version: str, storage: str, links: bool
) -> None:
    assert archive_rules(engine, version, storage).links is links
